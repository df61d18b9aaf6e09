"""The numbers of tests/suite/reference.rs, by the book's formulas in float64: python3 book.py > book.txt

Each line is a step: the optimizer, its parameters, then each of its moments. Nesterov momentum, AdamW and AMSGrad, which
are not in the book, follow the papers' formulas, with the papers' variables.
"""

import numpy as np

RATE, DECAY, STEPS = 0.02, 0.1, 5


def gradient(step):
    return np.array([0.3 * (step - 2), 1e-4 * (step + 1), -5.0 / (step + 1)])


class Sgd:
    """Optimizer_SGD of chapter 10."""

    def __init__(self, momentum):
        self.momentum, self.weight_momentums = momentum, np.zeros(3)

    def update_params(self, weights, dweights, rate, iterations):
        if self.momentum:
            weight_updates = self.momentum * self.weight_momentums - rate * dweights
            self.weight_momentums = weight_updates
        else:
            weight_updates = -rate * dweights
        return weights + weight_updates

    def moments(self):
        return [self.weight_momentums] if self.momentum else []


class Nesterov:
    """Sutskever and others (2013), equations 3 and 4: theta and v. The gradient is taken at
    theta + momentum v, so those are a program's weights."""

    def __init__(self, momentum):
        self.momentum, self.theta, self.v = momentum, None, np.zeros(3)

    def update_params(self, weights, dweights, rate, iterations):
        self.theta = weights if self.theta is None else self.theta
        self.v = self.momentum * self.v - rate * dweights
        self.theta = self.theta + self.v
        return self.theta + self.momentum * self.v

    def moments(self):
        return [self.v]


class Adagrad:
    """Optimizer_Adagrad of chapter 10."""

    def __init__(self, epsilon=1e-7):
        self.epsilon, self.weight_cache = epsilon, np.zeros(3)

    def update_params(self, weights, dweights, rate, iterations):
        self.weight_cache = self.weight_cache + dweights**2
        return weights + -rate * dweights / (np.sqrt(self.weight_cache) + self.epsilon)

    def moments(self):
        return [self.weight_cache]


class RmsProp:
    """Optimizer_RMSprop of chapter 10."""

    def __init__(self, epsilon=1e-7, rho=0.9):
        self.epsilon, self.rho, self.weight_cache = epsilon, rho, np.zeros(3)

    def update_params(self, weights, dweights, rate, iterations):
        self.weight_cache = self.rho * self.weight_cache + (1 - self.rho) * dweights**2
        return weights + -rate * dweights / (np.sqrt(self.weight_cache) + self.epsilon)

    def moments(self):
        return [self.weight_cache]


class Adam:
    """Optimizer_Adam of chapter 10. With a weight decay, AdamW: Loshchilov and Hutter (2019), algorithm 2,
    line 12, with all of the update multiplied by the rate. With amsgrad: Reddi and others (2018), algorithm 2, whose largest
    cache is Adam's before its correction."""

    def __init__(self, epsilon=1e-7, beta_1=0.9, beta_2=0.999, weight_decay=0.0, amsgrad=False):
        self.epsilon, self.beta_1, self.beta_2 = epsilon, beta_1, beta_2
        self.weight_decay, self.amsgrad = weight_decay, amsgrad
        self.weight_momentums, self.weight_cache = np.zeros(3), np.zeros(3)
        self.largest_cache = np.zeros(3)

    def update_params(self, weights, dweights, rate, iterations):
        b1, b2 = self.beta_1, self.beta_2
        self.weight_momentums = b1 * self.weight_momentums + (1 - b1) * dweights
        weight_momentums_corrected = self.weight_momentums / (1 - b1 ** (iterations + 1))
        self.weight_cache = b2 * self.weight_cache + (1 - b2) * dweights**2
        self.largest_cache = np.maximum(self.largest_cache, self.weight_cache)
        cache = self.largest_cache if self.amsgrad else self.weight_cache
        weight_cache_corrected = cache / (1 - b2 ** (iterations + 1))
        direction = weight_momentums_corrected / (np.sqrt(weight_cache_corrected) + self.epsilon)
        return weights - rate * (direction + self.weight_decay * weights)

    def moments(self):
        moments = [self.weight_momentums, self.weight_cache]
        return [*moments, self.largest_cache] if self.amsgrad else moments


OPTIMIZERS = {
    "sgd": Sgd(0.0),
    "momentum": Sgd(0.9),
    "nesterov": Nesterov(0.9),
    "adagrad": Adagrad(),
    "rmsprop": RmsProp(),
    "adam": Adam(),
    "adamw": Adam(epsilon=1e-8, weight_decay=0.25),
    "amsgrad": Adam(beta_2=0.5, amsgrad=True),
    "adamw-amsgrad": Adam(epsilon=1e-8, beta_2=0.5, weight_decay=0.25, amsgrad=True),
}
for name, optimizer in OPTIMIZERS.items():
    weights = np.array([1.0, -2.0, 0.5])
    for iterations in range(STEPS):
        current_learning_rate = RATE * (1.0 / (1.0 + DECAY * iterations))
        weights = optimizer.update_params(
            weights, gradient(iterations), current_learning_rate, iterations
        )
        numbers = np.concatenate([weights, *optimizer.moments()])
        print(name, *(f"{number:.12g}" for number in numbers))
