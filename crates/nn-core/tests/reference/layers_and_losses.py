"""The numbers of tests/pytorch.rs: layers and losses in float64, by PyTorch.

    python layers_and_losses.py > layers_and_losses.txt

Parameters, inputs and targets are computed by the same formulas here and in the test, and rounded to float32. Each line
is a case, a quantity and its numbers. Gradients are in the test's order: a column of weights for each input, then the
biases.
"""

import numpy as np
import torch
import torch.nn.functional as F

N, INPUTS, OUTPUTS = 7, 4, 3


def wave(n, phase):
    rounded = np.sin(np.arange(n) * 1.7 + phase).astype(np.float32)
    return torch.tensor(rounded.astype(np.float64))


def show(case, **quantities):
    for what, numbers in quantities.items():
        print(case, what, *np.atleast_1d(numbers.detach().numpy()).ravel())


def dense(outputs):
    layer = torch.nn.Linear(INPUTS, outputs, dtype=torch.float64)
    params = wave((INPUTS + 1) * outputs, 0.3).reshape(INPUTS + 1, outputs)
    layer.weight.data, layer.bias.data = params[:-1].T.clone(), params[-1].clone()
    return layer


def gradient(layer, *others):
    parts = [layer.weight.grad.T.ravel(), layer.bias.grad]
    return torch.cat(parts + [part.grad for other in others for part in (other.weight, other.bias)])


def normalised(norm):
    size = norm.weight.numel()
    norm.weight.data, norm.bias.data = 1 + 0.5 * wave(size, 0.9), wave(size, 2.1)
    return norm


print(f"# torch {torch.__version__}")

# A dense layer, a layer normalisation and the mean squared error.
layer, norm = dense(5), normalised(torch.nn.LayerNorm(5, eps=1e-3, dtype=torch.float64))
y = norm(layer(wave(N * INPUTS, 1.3).reshape(N, INPUTS)))
loss = F.mse_loss(y, wave(N * 5, 0.7).reshape(N, 5))
loss.backward()
show("layer_norm", outputs=y, loss=loss, gradient=gradient(layer, norm))

# The same with batch normalisation: three batches, the gradient of each, running statistics, and inference.
layer = dense(5)
norm = normalised(torch.nn.BatchNorm1d(5, eps=1e-3, momentum=0.2, dtype=torch.float64))
for batch in range(3):
    layer.zero_grad()
    norm.zero_grad()
    y = norm(layer(wave(N * INPUTS, 1.3 + batch).reshape(N, INPUTS)))
    loss = F.mse_loss(y, wave(N * 5, 0.7).reshape(N, 5))
    loss.backward()
    case = f"batch_norm_{batch}"
    show(case, outputs=y, loss=loss, gradient=gradient(layer, norm), means=norm.running_mean, variances=norm.running_var)
norm.eval()
show("batch_norm_inference", outputs=norm(layer(wave(N * INPUTS, 1.3).reshape(N, INPUTS))))

# Losses of a dense layer's outputs. The sum over the samples is divided by their number, whatever their weights.
classes = torch.arange(N) * 5 % OUTPUTS
numbers = 2 * wave(N * OUTPUTS, 0.7).reshape(N, OUTPUTS)
squares = wave(N * OUTPUTS, 0.2).reshape(N, OUTPUTS) ** 2
distributions = squares / squares.sum(dim=1, keepdim=True)
class_weights = torch.tensor([0.5, 1.0, 2.5], dtype=torch.float64)


def focal(z, gamma):
    """Lin et al., equation 4, by hand."""
    p = F.softmax(z, dim=1)[torch.arange(N), classes]
    return -((1 - p) ** gamma) * p.log()


def mean_of_outputs(loss):
    return lambda z: loss(z, numbers).mean(dim=1)


def categorical(targets, **settings):
    return lambda z: F.cross_entropy(z, targets, reduction="none", **settings)


LOSSES = {
    "classes": categorical(classes),
    "smoothed": categorical(classes, label_smoothing=0.2),
    "distributions": categorical(distributions),
    "smoothed_distributions": categorical(distributions, label_smoothing=0.2),
    "class_weights": categorical(classes, weight=class_weights),
    "focal_2": lambda z: focal(z, 2.0),
    "focal_half": lambda z: focal(z, 0.5),
    "huber_half": mean_of_outputs(torch.nn.HuberLoss(reduction="none", delta=0.5)),
    "huber_2": mean_of_outputs(torch.nn.HuberLoss(reduction="none", delta=2.0)),
    "squared": mean_of_outputs(torch.nn.MSELoss(reduction="none")),
    "absolute": mean_of_outputs(torch.nn.L1Loss(reduction="none")),
    "binary": lambda z: F.binary_cross_entropy_with_logits(z, (numbers > 0).double(), reduction="none").mean(dim=1),
}
for name, of_samples in LOSSES.items():
    layer = dense(OUTPUTS)
    loss = of_samples(layer(wave(N * INPUTS, 1.3).reshape(N, INPUTS))).sum() / N
    loss.backward()
    show(name, loss=loss, gradient=gradient(layer))

# The value of an element after dropout: where it is not dropped, on average, and in inference.
for name, rate in {"dropout_quarter": 0.25, "dropout_half": 0.5, "dropout_tenth": 0.1}.items():
    torch.manual_seed(0)
    x = wave(OUTPUTS, 0.4)
    y = torch.stack([F.dropout(x, rate) for _ in range(20_000)])
    kept = torch.cat([column[column != 0].unique() for column in y.T])
    show(name, kept=kept, mean=y.mean(dim=0), inference=F.dropout(x, rate, training=False))
