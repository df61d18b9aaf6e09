"""The numbers that tests/gradients.rs expects: steps of a network with L1 and L2 regularisation, whose gradient is
accumulated over several batches, clipped, or both, in NumPy float64.

    python3 gradients.py > gradients.txt

The gradient of a step is the mean over the samples of all its batches, plus the gradient of the regularisation, added
once. After that it is clipped, as by PyTorch's `clip_grad_norm_` (with 1e-6 added to the norm) or `clip_grad_value_`.
The gradient of frozen layers is 0 and does not count in the norm. Parameters, inputs and targets are computed by the
same formulas here and in the test. The output for each case is its name, then all parameters after the last step.
"""

import numpy as np

N, SIZES, RATE, STEPS = 12, [4, 5, 3], 0.5, 3
# By layer: L1 and L2 of the weights, L1 and L2 of the biases.
PENALTIES = [(3e-2, 5e-2, 2e-2, 4e-2), (1e-2, 0.0, 0.0, 3e-2)]


def wave(n, phase):
    return np.sin(np.arange(n) * 1.7 + phase).astype(np.float32).astype(np.float64)


def initial_params():
    layers, offset = [], 0
    for inputs, outputs in zip(SIZES, SIZES[1:]):
        n = (inputs + 1) * outputs
        flat = (0.5 * wave(n, 0.3 + offset)).astype(np.float32).astype(np.float64)
        layers.append(flat.reshape(inputs + 1, outputs))
        offset += n
    return layers


def data_gradients(layers, x, targets):
    """Gradients of the mean squared error, averaged over outputs and samples; tanh between the layers."""
    (first, second) = layers
    hidden = np.tanh(x @ first[:-1] + first[-1])
    y = hidden @ second[:-1] + second[-1]
    dy = 2 * (y - targets) / y.size
    d_hidden = (dy @ second[:-1].T) * (1 - hidden**2)
    with_bias = lambda inputs, d: np.vstack([inputs.T @ d, d.sum(axis=0)])
    return [with_bias(x, d_hidden), with_bias(hidden, dy)]


def penalty_gradient(params, penalty):
    l1, l2, bias_l1, bias_l2 = penalty
    weights, biases = params[:-1], params[-1:]
    return np.vstack(
        [l1 * np.sign(weights) + 2 * l2 * weights, bias_l1 * np.sign(biases) + 2 * bias_l2 * biases]
    )


def run(penalties, clip=None, frozen=(False, False)):
    x = wave(N * SIZES[0], 1.3).reshape(N, SIZES[0])
    targets = 2 * wave(N * SIZES[-1], 0.7).reshape(N, SIZES[-1])
    layers = initial_params()
    for _ in range(STEPS):
        gradients = data_gradients(layers, x, targets)
        for i, params in enumerate(layers):
            gradients[i] = gradients[i] + penalty_gradient(params, penalties[i])
            if frozen[i]:
                gradients[i] = np.zeros_like(params)
        if clip and clip[0] == "norm":
            norm = np.sqrt(sum((d**2).sum() for d in gradients))
            factor = min(1, clip[1] / (norm + 1e-6))
            # Clipping that changes nothing would test nothing.
            assert factor < 0.9
            gradients = [factor * d for d in gradients]
        if clip and clip[0] == "value":
            assert max(np.abs(d).max() for d in gradients) > 1.5 * clip[1]
            gradients = [np.clip(d, -clip[1], clip[1]) for d in gradients]
        layers = [params - RATE * d for params, d in zip(layers, gradients)]
    return np.concatenate([params.ravel() for params in layers])


NONE = [(0, 0, 0, 0)] * 2
for name, params in {
    "plain": run(NONE),
    "regularised": run(PENALTIES),
    "regularised norm": run(PENALTIES, ("norm", 0.1)),
    "regularised value": run(PENALTIES, ("value", 0.05)),
    "regularised norm frozen": run(PENALTIES, ("norm", 0.1), (True, False)),
    "norm": run(NONE, ("norm", 0.1)),
}.items():
    print(name)
    print(*map(repr, params.tolist()))
