"""Saves and loads weights and Adam's moments with safetensors, PyTorch and NumPy.

Loading ends when the numbers are in the arrays or modules that train. Nothing is synchronised to
the disk.
"""

import pathlib
import tempfile

import common
import numpy as np
import safetensors
import safetensors.numpy
import torch

REPEATS = 50

# Takes a step, so that Adam has moments.
layers = [torch.nn.Linear(*pair) for pair in common.layer_sizes]
model = torch.nn.Sequential(*layers)
adam = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, fused=True)
model(torch.rand(128, common.PIXELS)).square().mean().backward()
adam.step()

arrays = {}
for index, (param, state) in enumerate(adam.state.items()):
    for name, tensor in {"param": param, **state}.items():
        arrays[f"{index}.{name}"] = tensor.detach().numpy().copy()


def apply(loaded):
    for name, array in arrays.items():
        array[...] = loaded[name]


def load_npz(path):
    with np.load(path) as loaded:
        apply(loaded)


def save_torch(path):
    torch.save({"model": model.state_dict(), "adam": adam.state_dict()}, path)


def load_torch(path):
    loaded = torch.load(path)
    model.load_state_dict(loaded["model"])
    adam.load_state_dict(loaded["adam"])


def measure(peer, version, save, load):
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "checkpoint.npz"
        save_ms = [common.seconds_of(save, path) * 1e3 for _ in range(REPEATS)]
        load_ms = [common.seconds_of(load, path) * 1e3 for _ in range(REPEATS)]
    common.report(peer, version, save_ms=save_ms, load_ms=load_ms)


measure(
    "safetensors",
    safetensors.__version__,
    lambda path: safetensors.numpy.save_file(arrays, path),
    lambda path: apply(safetensors.numpy.load_file(path)),
)
measure("torch.save", torch.__version__, save_torch, load_torch)
measure("NumPy npz", np.__version__, lambda path: np.savez(path, **arrays), load_npz)
