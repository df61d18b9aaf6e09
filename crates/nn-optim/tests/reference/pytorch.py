"""The numbers of tests/suite/reference.rs: python3 pytorch.py > pytorch.txt, with PyTorch 2, in float64.

Each line is a step: the optimizer and its parameters. The learning rate falls as in book.py, except with momentum:
PyTorch's momentum accumulates gradients and is multiplied by the rate of the current step, while the book's (and ours)
accumulates each gradient times the rate of its own step. At a constant rate the results are the same.
"""

import torch

RATE, DECAY, STEPS = 0.02, 0.1, 5

# The second moment falls within the five steps, so that its maximum differs from its last value.
AMSGRAD = {"betas": (0.9, 0.5), "amsgrad": True}
OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {}),
    "momentum": (torch.optim.SGD, {"momentum": 0.9}),
    "nesterov": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "adagrad": (torch.optim.Adagrad, {"eps": 1e-7}),
    "rmsprop": (torch.optim.RMSprop, {"alpha": 0.9, "eps": 1e-7}),
    "adam": (torch.optim.Adam, {"eps": 1e-7}),
    "adamw": (torch.optim.AdamW, {"eps": 1e-8, "weight_decay": 0.25}),
    "amsgrad": (torch.optim.Adam, {"eps": 1e-7, **AMSGRAD}),
    "adamw-amsgrad": (torch.optim.AdamW, {"eps": 1e-8, "weight_decay": 0.25, **AMSGRAD}),
}


def gradient(step):
    return torch.tensor([0.3 * (step - 2), 1e-4 * (step + 1), -5.0 / (step + 1)], dtype=torch.float64)


for name, (optimizer, settings) in OPTIMIZERS.items():
    weights = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64, requires_grad=True)
    optimizer = optimizer([weights], lr=RATE, **settings)
    for step in range(STEPS):
        if "momentum" not in settings:
            optimizer.param_groups[0]["lr"] = RATE / (1 + DECAY * step)
        weights.grad = gradient(step)
        optimizer.step()
        print(name, *(f"{number:.12g}" for number in weights.tolist()))
