"""Computes the coefficients of `functions.rs`. Needs NumPy and mpmath.

Each approximation minimises the largest relative error: a weighted least-squares fit, whose weights grow where the
error is large (Lawson's algorithm). The quotient is made linear by multiplying with its denominator of the step before.
"""

import mpmath as mp
import numpy as np

mp.mp.dps = 40
STEPS = 300
N_POINTS = 400


def lawson(step):
    """Repeats a weighted fit, which returns relative errors and coefficients, and returns the best coefficients."""
    weights, best = np.ones(N_POINTS), (np.inf, None)
    for _ in range(STEPS):
        errors, coefficients = step(weights)
        largest = np.abs(errors).max()
        if largest < best[0]:
            best = largest, coefficients
        weights *= (np.abs(errors) / largest + 0.05) ** 0.5
        weights /= weights.max()
    return best


def nodes(low, high):
    """Chebyshev's points of an interval."""
    return (low + high) / 2 + (high - low) / 2 * np.cos(np.pi * (np.arange(N_POINTS) + 0.5) / N_POINTS)


def exp(degree):
    """`q` such that `exp(r) - 1 = r + r^2 q(r)`, for r within +-ln(2) / 2 and a little more."""
    r = nodes(-0.3475, 0.3475)
    values = np.array([float((mp.expm1(x) - x) / mp.mpf(x) ** 2) for x in r])
    relative = r**2 / np.abs([float(mp.expm1(x)) for x in r])
    powers = r[:, None] ** np.arange(degree + 1)

    def step(weights):
        scale = weights * relative
        coefficients = np.linalg.lstsq(powers * scale[:, None], values * scale)[0]
        return (powers @ coefficients - values) * relative, coefficients

    return lawson(step)


def tanh(degree):
    """`q` such that `tanh(x) = x + x^3 q(x^2)`, for x up to 0.63."""
    x = nodes(0.0, 0.63)
    values = np.array([float((mp.tanh(v) - v) / mp.mpf(v) ** 3) for v in x])
    relative = x**3 / np.tanh(x)
    powers = (x**2)[:, None] ** np.arange(degree + 1)

    def step(weights):
        scale = weights * relative
        coefficients = np.linalg.lstsq(powers * scale[:, None], values * scale)[0]
        return (powers @ coefficients - values) * relative, coefficients

    return lawson(step)


def tail(above, below, end=14.0):
    """The quotient `p / q` such that `1 - Phi(x) = exp(-x^2 / 2) p(x) / q(x)`, for x from 0 to `end`."""
    u = nodes(0.0, end / (end + 2))
    x = 2 * u / (1 - u)
    values = np.array([float(mp.exp(mp.mpf(v) ** 2 / 2) * mp.erfc(v / mp.sqrt(2)) / 2) for v in x])
    numerator, denominator = x[:, None] ** np.arange(above + 1), x[:, None] ** np.arange(1, below + 1)
    before = np.ones(N_POINTS)

    def step(weights):
        nonlocal before
        scale = weights / (values * before)
        matrix = np.hstack([numerator, -values[:, None] * denominator]) * scale[:, None]
        size = np.abs(matrix).max(0)
        coefficients = np.linalg.lstsq(matrix / size, values * scale)[0] / size
        before = 1 + denominator @ coefficients[above + 1 :]
        return numerator @ coefficients[: above + 1] / before / values - 1, coefficients

    return lawson(step)


if __name__ == "__main__":
    for name, (error, coefficients) in (("exp", exp(4)), ("tanh", tanh(4)), ("normal", tail(4, 5))):
        print(f"{name}, relative error {error:.1e}:", [float(np.float32(x)) for x in coefficients])
