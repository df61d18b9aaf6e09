"""The numbers that tests/regression.rs expects: the book's accuracy of regression, in NumPy float64.

    python3 regression.py > regression.txt

A prediction is correct if it is within a 250th of the standard deviation of all targets. Targets and predictions are
computed by the same formulas here and in the test. Errors rise from 0 to a 60th of the standard deviation, so some are
within the precision and others are not. Each line of the output is a number of outputs, the precision and the accuracy.
"""

import numpy as np

N = 240
for outputs in [1, 2, 3]:
    i = np.arange(N)
    targets = (3 * np.sin(i * 1.7 + outputs)).astype(np.float32)
    errors = np.where(i % 2 == 0, 1, -1) * (i / N) * 0.035
    predictions = (targets + errors).astype(np.float32)
    precision = np.std(targets.astype(np.float64)) / 250
    difference = np.abs(predictions.astype(np.float64) - targets.astype(np.float64))
    # Rounding must not decide whether a prediction is correct.
    assert np.abs(difference / precision - 1).min() > 1e-3
    print(outputs, repr(float(precision)), repr(float(np.mean(difference < precision))))
