"""The numbers of tests/suite/slices.rs: python3 slices.py > slices.txt, with PyTorch 2, in float64.

Each line is a name and numbers: the gradient clipped by clip_grad_value_ and clip_grad_norm_, after the limit that
was used; then the weights and their average, for five steps.
"""

import torch
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.optim.swa_utils import AveragedModel, get_ema_avg_fn

GRADIENT = [0.3, -4.0, 0.0, 2.5, -0.75, 1e-3, -2.0]


def line(name, *numbers):
    print(name, *(f"{float(number):.12g}" for number in numbers))


def clipped(clip, limit):
    weights = torch.zeros(len(GRADIENT), dtype=torch.float64, requires_grad=True)
    weights.grad = torch.tensor(GRADIENT, dtype=torch.float64)
    clip(weights, limit)
    return weights.grad.tolist()


line("gradient", *GRADIENT)
for limit in [0.5, 2.0, 10.0]:
    line("value", limit, *clipped(clip_grad_value_, limit))
for limit in [1e-3, 1.0, 5.0, 5.2, 100.0]:
    line("norm", limit, *clipped(clip_grad_norm_, limit))

model = torch.nn.Linear(3, 1, bias=False, dtype=torch.float64)
with torch.no_grad():
    model.weight[0] = torch.tensor([1.0, -2.0, 0.75], dtype=torch.float64)
mean = AveragedModel(model, avg_fn=get_ema_avg_fn(0.9))
mean.update_parameters(model)
for step in range(5):
    with torch.no_grad():
        change = [0.3 * (step - 2), 1e-4 * (step + 1), -5.0 / (step + 1)]
        model.weight[0] += torch.tensor(change, dtype=torch.float64)
    mean.update_parameters(model)
    line("average", *model.weight[0].tolist(), *mean.module.weight[0].tolist())
