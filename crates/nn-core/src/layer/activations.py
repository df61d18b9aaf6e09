"""Activations and their derivatives in float64, by PyTorch: `python activations.py > activations.txt`.

Each line: the activation's name, x, y, dy/dx.
"""

import torch
import torch.nn.functional as F

ACTIVATIONS = {
    "relu": F.relu,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.01),
    "elu": lambda x: F.elu(x, 1.5),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "silu": F.silu,
}

print(f"# torch {torch.__version__}")
for name, f in ACTIVATIONS.items():
    for at in [-8.0, -3.0, -1.0, -0.5, -0.125, 0.0, 0.125, 0.5, 1.0, 3.0, 8.0]:
        x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
        y = f(x)
        y.backward()
        print(name, at, y.item(), x.grad.item())
