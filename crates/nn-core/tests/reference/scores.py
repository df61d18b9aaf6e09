"""Computes the numbers of the test `scores_are_those_of_scikit_learn` in `src/metric.rs`.

    pip install scikit-learn scipy
    python scores.py
"""

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_fscore_support

ROWS = [[5, 2, 0, 1], [1, 7, 0, 0], [3, 1, 0, 0], [0, 0, 0, 9]]

actual, predicted = [], []
for i, row in enumerate(ROWS):
    for j, count in enumerate(row):
        actual += [i] * count
        predicted += [j] * count

scores = precision_recall_fscore_support(actual, predicted, zero_division=0)
print("CLASSES", np.transpose(scores[:3]).tolist())
for average in ["macro", "weighted"]:
    print(average, precision_recall_fscore_support(actual, predicted, average=average, zero_division=0)[:3])
for right, n in [(21, 29), (0, 10), (10, 10)]:
    interval = binomtest(right, n).proportion_ci(0.95, method="wilson")
    print(f"{right} of {n}", [float(interval.low), float(interval.high)])
