"""The numbers that tests/book.rs expects: three steps of each of the book's kinds of problem, in NumPy float64.

    python3 book.py > book.txt

The formulas are those of "Neural Networks from Scratch", written again. They differ where nn-core's README lists a
deviation: the gradient of the mean absolute error has the sign that makes the loss fall, and the gradient of L1 at 0 is
0. Parameters, inputs and targets are computed by the same formulas here and in the test. The output for each problem is
its name, then the data loss, regularisation loss and accuracy of each step, then all parameters after the last step.
"""

import numpy as np

N, STEPS = 13, 3


def wave(n, phase):
    return np.sin(np.arange(n) * 1.7 + phase).astype(np.float32).astype(np.float64)


class Dense:
    def __init__(self, inputs, outputs, offset, l1=0.0, l2=0.0, bias_l1=0.0, bias_l2=0.0):
        flat = wave((inputs + 1) * outputs, 0.3 + offset).reshape(inputs + 1, outputs) * 0.5
        flat = flat.astype(np.float32).astype(np.float64)
        self.weights, self.biases = flat[:-1].copy(), flat[-1:].copy()
        self.penalty = l1, l2, bias_l1, bias_l2

    def forward(self, x):
        self.x = x
        return x @ self.weights + self.biases

    def backward(self, d):
        l1, l2, bias_l1, bias_l2 = self.penalty
        self.d_weights = self.x.T @ d + l1 * np.sign(self.weights) + 2 * l2 * self.weights
        self.d_biases = d.sum(axis=0, keepdims=True) + bias_l1 * np.sign(self.biases) + 2 * bias_l2 * self.biases
        return d @ self.weights.T

    def regularisation(self):
        l1, l2, bias_l1, bias_l2 = self.penalty
        return (
            l1 * np.abs(self.weights).sum()
            + l2 * (self.weights**2).sum()
            + bias_l1 * np.abs(self.biases).sum()
            + bias_l2 * (self.biases**2).sum()
        )


class Relu:
    def forward(self, x):
        self.x = x
        return np.maximum(0, x)

    def backward(self, d):
        return np.where(self.x > 0, d, 0)


class Sigmoid:
    def forward(self, x):
        self.y = 1 / (1 + np.exp(-x))
        return self.y

    def backward(self, d):
        return d * (1 - self.y) * self.y


class Linear:
    def forward(self, x):
        return x

    def backward(self, d):
        return d


class Softmax:
    def forward(self, x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.y = e / e.sum(axis=1, keepdims=True)
        return self.y

    def backward(self, d):
        rows = [(np.diagflat(y) - np.outer(y, y)) @ row for y, row in zip(self.y, d)]
        return np.array(rows)


def clip(y):
    return np.clip(y, 1e-7, 1 - 1e-7)


class Categorical:
    def loss(self, y, t):
        return -np.log(clip(y)[range(len(y)), t]).mean()

    def gradient(self, y, t):
        return -np.eye(y.shape[1])[t] / y / len(y)

    def accuracy(self, y, t):
        return (y.argmax(axis=1) == t).mean()


class CategoricalOneHot(Categorical):
    def loss(self, y, t):
        return -np.log((clip(y) * np.eye(y.shape[1])[t]).sum(axis=1)).mean()


class Binary:
    def loss(self, y, t):
        return -(t * np.log(clip(y)) + (1 - t) * np.log(1 - clip(y))).mean(axis=1).mean()

    def gradient(self, y, t):
        y = clip(y)
        return -(t / y - (1 - t) / (1 - y)) / y.shape[1] / len(y)

    def accuracy(self, y, t):
        return ((y > 0.5) == t).mean()


class Regression:
    def accuracy(self, y, t):
        return (np.abs(y - t) < np.std(t) / 250).mean()


class Squared(Regression):
    def loss(self, y, t):
        return ((t - y) ** 2).mean(axis=1).mean()

    def gradient(self, y, t):
        return -2 * (t - y) / y.shape[1] / len(y)


class Absolute(Regression):
    def loss(self, y, t):
        return np.abs(t - y).mean(axis=1).mean()

    def gradient(self, y, t):
        return np.sign(y - t) / y.shape[1] / len(y)


class Sgd:
    """With inverse time decay. Adam would amplify rounding errors where a gradient is close to 0."""

    def __init__(self, rate, decay):
        self.rate, self.decay, self.iterations = rate, decay, 0

    def step(self, layers):
        rate = self.rate / (1 + self.decay * self.iterations)
        for layer in layers:
            layer.weights -= rate * layer.d_weights
            layer.biases -= rate * layer.d_biases
        self.iterations += 1


def run(name, sizes, end, loss, targets, penalty):
    layers, offset = [], 0
    for i, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        layers += [Dense(inputs, outputs, offset, *(penalty if i == 0 else ())), Relu()]
        offset += (inputs + 1) * outputs
    layers[-1] = end
    dense = [layer for layer in layers if isinstance(layer, Dense)]
    optimizer = Sgd(0.5, 0.1)
    x = wave(N * sizes[0], 1.3).reshape(N, sizes[0])
    print(name)
    for _ in range(STEPS):
        y = x
        for layer in layers:
            y = layer.forward(y)
        regularisation = sum(layer.regularisation() for layer in dense)
        print(loss.loss(y, targets), regularisation, loss.accuracy(y, targets))
        d = loss.gradient(y, targets)
        for layer in reversed(layers):
            d = layer.backward(d)
        optimizer.step(dense)
    params = [np.concatenate([layer.weights, layer.biases]).ravel() for layer in dense]
    print(*np.concatenate(params))


penalty = (3e-3, 5e-3, 2e-3, 4e-3)
classes = np.arange(N) * 5 % 3
sides = (wave(N * 2, 0.7) > 0).astype(float).reshape(N, 2)
numbers = 2 * wave(N * 2, 0.7).reshape(N, 2)
run("classes", [4, 6, 3], Softmax(), Categorical(), classes, penalty)
run("one_hot", [4, 6, 3], Softmax(), CategoricalOneHot(), classes, ())
run("binary", [4, 6, 2], Sigmoid(), Binary(), sides, penalty)
run("squared", [4, 6, 2], Linear(), Squared(), numbers, penalty)
run("absolute", [4, 6, 2], Linear(), Absolute(), numbers, ())
run("one_layer", [4, 2], Linear(), Squared(), numbers, ())
