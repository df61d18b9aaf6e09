"""NumPy, with the arithmetic of the book "Neural Networks from Scratch in Python".

It goes layer by layer, differentiates softmax and loss together, and runs Adam afterwards. Unlike
the book, it uses f32 throughout and He initialisation, and computes no gradient with respect to the
images. NumPy cannot flush denormals.
"""

import common
import numpy as np

PEER = "NumPy"
RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-7

generator = np.random.default_rng(common.args.seed)
layers = common.he_normal(generator)


def forward(images):
    """The input of every layer, and the logits."""
    inputs = [images]
    for weight, bias in layers[:-1]:
        inputs.append(np.maximum(0, inputs[-1] @ weight + bias))
    weight, bias = layers[-1]
    return inputs, inputs[-1] @ weight + bias


def predict(images):
    return forward(images)[1]


if common.args.task == "infer":
    common.infer(PEER, np.__version__, predict)
    raise SystemExit

images, labels = common.load("train")
moments = [[(np.zeros_like(p), np.zeros_like(p)) for p in layer] for layer in layers]
steps = 0


def gradients(images, labels):
    inputs, logits = forward(images)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    delta = exponentials / exponentials.sum(axis=1, keepdims=True)
    delta[np.arange(len(labels)), labels] -= 1
    delta /= len(labels)
    result = []
    for index in reversed(range(len(layers))):
        result.append((inputs[index].T @ delta, delta.sum(axis=0)))
        if index > 0:
            delta = delta @ layers[index][0].T
            delta[inputs[index] <= 0] = 0
    return result[::-1]


def adam(param, gradient, first, second):
    first[:] = BETA_1 * first + (1 - BETA_1) * gradient
    second[:] = BETA_2 * second + (1 - BETA_2) * gradient**2
    corrected_first = first / (1 - BETA_1**steps)
    corrected_second = second / (1 - BETA_2**steps)
    param -= RATE * corrected_first / (np.sqrt(corrected_second) + EPSILON)


def epoch():
    global steps
    order = generator.permutation(len(labels))
    for start in range(0, len(order), common.args.batch):
        rows = order[start : start + common.args.batch]
        steps += 1
        layer_gradients = gradients(images[rows], labels[rows])
        for layer, layer_gradient, layer_moments in zip(layers, layer_gradients, moments):
            for param, gradient, (first, second) in zip(layer, layer_gradient, layer_moments):
                adam(param, gradient, first, second)


common.train(PEER, np.__version__, epoch, predict)
