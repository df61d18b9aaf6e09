"""Numbers of tests/adam.rs, by the book's formulas in float64: python3 adam.py"""

import math

rate, decay, beta_1, beta_2, epsilon = 0.02, 0.1, 0.9, 0.999, 1e-7
param, m, v = [1.0, -2.0, 0.5], [0.0] * 3, [0.0] * 3
for step in range(5):
    gradient = [0.3 * (step - 2), 1e-4 * (step + 1), -5.0 / (step + 1)]
    current = rate * (1 / (1 + decay * step))
    for i, g in enumerate(gradient):
        m[i] = beta_1 * m[i] + (1 - beta_1) * g
        v[i] = beta_2 * v[i] + (1 - beta_2) * g**2
        m_corrected = m[i] / (1 - beta_1 ** (step + 1))
        v_corrected = v[i] / (1 - beta_2 ** (step + 1))
        param[i] += -current * m_corrected / (math.sqrt(v_corrected) + epsilon)
    print([round(p, 9) for p in param])
print(m, v)
