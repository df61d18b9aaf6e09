"""The numbers that tests/pytorch.rs expects: three Adam steps of the book's network in PyTorch, in float64.

    pip install torch==2.15.0 numpy && python3 three_steps.py > three_steps.txt

Parameters, inputs and labels are computed by the same formulas here and in the test. The output is the three losses,
then every 97th parameter after the last step.
"""

import numpy as np
import torch

SIZES, BATCH, STEPS = [784, 128, 128, 10], 128, 3

layers, offset = [], 0
for inputs, outputs in zip(SIZES, SIZES[1:]):
    layer = torch.nn.Linear(inputs, outputs, dtype=torch.float64)
    # A column of weights for each input, then the biases: the order of the flat buffer.
    i = np.arange(offset, offset + (inputs + 1) * outputs)
    flat = (np.sin(i * 0.7) * np.sqrt(2 / inputs)).astype(np.float32).reshape(inputs + 1, outputs)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(flat[:-1].T))
        layer.bias.copy_(torch.tensor(flat[-1]))
    layers += [layer, torch.nn.ReLU()]
    offset += flat.size
net = torch.nn.Sequential(*layers[:-1])

optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-7)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + 1e-3 * step))
for step in range(STEPS):
    i = np.arange(step * BATCH * 784, (step + 1) * BATCH * 784).reshape(BATCH, 784)
    x = torch.tensor(np.sin(i * 0.3 + i // 784).astype(np.float32), dtype=torch.float64)
    labels = torch.arange(BATCH) * (step + 3) % 10
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(net(x), labels)
    loss.backward()
    optimizer.step()
    schedule.step()
    print(repr(loss.item()))

params = []
for layer in net:
    if isinstance(layer, torch.nn.Linear):
        params += [layer.weight.detach().T.flatten(), layer.bias.detach()]
for param in torch.cat(params)[::97].tolist():
    print(repr(param))
