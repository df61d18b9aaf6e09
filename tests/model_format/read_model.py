"""Reads a model file and predicts, from crates/nn-io/FORMAT.md alone.

    python3 -m pip install msgpack numpy
    python3 read_model.py MODEL IMAGES INDEX...

IMAGES is an IDX file of images, gzip or not. Prints a line of JSON for each index:
{"index": 0, "class": 9, "label": "Ankle boot", "probabilities": [...]}
"""

import gzip
import json
import math
import struct
import sys
import zlib
from pathlib import Path

import msgpack
import numpy as np


def read_model(path):
    """The metadata, and the tensors by name (sections 2 to 4)."""
    data = Path(path).read_bytes()
    assert data[:11] == b"\xc7\x3d\x4dNNFM\r\n\x1a\n", "not a model file"
    header = struct.unpack("<HHIIQQI17sI", data[11:64])
    major, minor, features, n_tensors, metadata_len, file_len, metadata_crc, zeros, header_crc = header
    assert zlib.crc32(data[:60]) == header_crc, "the header is damaged"
    assert major == 1 and features & ~(127 | 128 | 512 | 1024 | 4096 | 16384) == 0, "a newer format"
    assert file_len == len(data) and zeros == bytes(17)

    end = 64 + metadata_len
    assert zlib.crc32(data[64:end]) == metadata_crc, "the metadata are damaged"
    metadata = msgpack.unpackb(data[64:end])
    # msgpack writes the one form that section 3 allows.
    assert msgpack.packb(metadata) == data[64:end]

    assert features == required_features(metadata)
    has_more = metadata.get("dataset", {}).keys() & {"directory", "transposed"}
    assert minor == (2 if has_more else "preparation" in metadata["input"])

    unpacker = msgpack.Unpacker(max_buffer_size=len(data))
    unpacker.feed(data[end:])
    tensors = {}
    assert len(metadata["tensors"]) == n_tensors
    for tensor in metadata["tensors"]:
        content = unpacker.unpack()
        assert zlib.crc32(content) == tensor["crc32"], f"{tensor['name']} is damaged"
        tensors[tensor["name"]] = np.frombuffer(content, "<f4").reshape(tensor["shape"])
    assert unpacker.tell() == len(data) - end, "bytes after the last tensor"
    return metadata, tensors


def required_features(metadata):
    """The bits that the header must have (section 2)."""
    plain = {"dense", "relu", "softmax"}
    features = 4 * any(kind not in plain for layer in metadata["layers"] for kind in layer)
    features += 8 * ("mirror" in metadata["input"])
    usual = metadata.keys() >= {"class_names", "dataset"}
    features += 32 * (not (usual and metadata["input"].keys() >= {"width", "height", "mean", "std"}))
    features += 64 * ("channels" in metadata["input"])
    features += 128 * ("decision" in metadata)
    training = metadata.get("training")
    if training is not None:
        [(optimizer, settings)] = training["optimizer"].items()
        features += optimizer != "adam" or "amsgrad" in settings
        [(schedule, settings)] = training["schedule"].items()
        features += 2 * (schedule != "inverse_time" or "warmup" in settings)
        features += 4096 * (schedule == "exponential" and "every" in settings)
        features += 16 * (training["config"].keys() != {"seed", "batch_size"})
        features += 512 * ("held_out" in training["config"])
        features += 1024 * ("arithmetic" in training["config"])
        augmentation = training["config"].get("augmentation", {}).keys()
        features += 16384 * bool(augmentation & {"rotate", "zoom", "tone", "noise"})
    return features


def for_inference(metadata, tensors):
    """The layers' tensors for predictions: those of the best epoch or averaged ones, if present."""
    statistics = ("means", "variances")
    layers = ("dense", "layer_norm", "batch_norm")
    own = [tensor["name"] for tensor in metadata["tensors"] if tensor["name"].startswith(layers)]
    used = {name: tensors[name] for name in own}
    for which in ("best", "average"):
        if f"{which}.parameters" not in tensors:
            continue
        params = [name for name in own if not name.endswith(statistics)]
        used |= split(tensors[f"{which}.parameters"], {name: used[name].shape for name in params})
        if f"{which}.statistics" in tensors:
            shapes = {name: used[name].shape for name in own if name.endswith(statistics)}
            used |= split(tensors[f"{which}.statistics"], shapes)
        break
    return used


def split(flat, shapes):
    """Splits a flat tensor into tensors of these shapes."""
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()])
    assert ends[-1] == len(flat)
    parts = np.split(flat, ends[:-1])
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts)}


def predict(metadata, tensors, pixels):
    """Outputs, such as probabilities: one row for each image or row of features (section 5)."""
    tensors = for_inference(metadata, tensors)
    outputs = forward(metadata, tensors, pixels)
    if "mirror" not in metadata["input"]:
        return outputs
    size = [metadata["input"]["height"], metadata["input"]["width"], metadata["input"].get("channels", 1)]
    rows = pixels.reshape(len(pixels), *size)
    mirrored = rows[:, :, ::-1].reshape(pixels.shape)
    return (outputs + forward(metadata, tensors, mirrored)) / np.float32(2)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gelu(x):
    return x * (1 + np.vectorize(math.erf, otypes="f")(x / math.sqrt(2))) / 2


def normalise(x, mean, variance, settings, tensors, name):
    normalised = (x - mean) / np.sqrt(variance + np.float32(settings["epsilon"]))
    return tensors[f"{name}.scales"] * normalised + tensors[f"{name}.shifts"]


# Functions of an element and the layer's settings.
ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x, slope: np.where(x > 0, x, np.float32(slope) * x),
    "elu": lambda x, alpha: np.where(x > 0, x, np.float32(alpha) * np.expm1(x)),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "gelu": gelu,
    "silu": lambda x: x * sigmoid(x),
    "linear": lambda x: x,
    # It drops only in training.
    "dropout": lambda x, rate: x,
}


def forward(metadata, tensors, pixels):
    """The outputs of the last layer."""
    x, scaling = pixels.astype(np.float32), metadata["input"]
    if "mean" in scaling:
        x = (x - np.float32(scaling["mean"])) * (np.float32(1) / np.float32(scaling["std"]))
    seen = {}
    for layer in metadata["layers"]:
        [(kind, settings)] = layer.items()
        name = f"{kind}{seen.setdefault(kind, 0)}"
        seen[kind] += 1
        if kind == "dense":
            x = x @ tensors[f"{name}.weights"] + tensors[f"{name}.biases"]
        elif kind == "softmax":
            if layer is metadata["layers"][-1] and "decision" in metadata:
                x = x / np.float32(metadata["decision"]["temperature"])
            exponentials = np.exp(x - x.max(axis=1, keepdims=True))
            x = exponentials / exponentials.sum(axis=1, keepdims=True)
        elif kind == "layer_norm":
            mean, variance = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
            x = normalise(x, mean, variance, settings, tensors, name)
        elif kind == "batch_norm":
            mean, variance = tensors[f"{name}.means"], tensors[f"{name}.variances"]
            x = normalise(x, mean, variance, settings, tensors, name)
        elif kind in ACTIVATIONS:
            x = ACTIVATIONS[kind](x, **settings)
        else:
            raise ValueError(f"a layer of the kind {kind}")
    return x


def read_images(path):
    """The images of an IDX file, one in each row."""
    data = Path(path).read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    magic, n, height, width = struct.unpack(">4I", data[:16])
    assert magic == 0x0803, "not an IDX file of images"
    return np.frombuffer(data, np.uint8, offset=16).reshape(n, height * width)


def main():
    model, images, *indices = sys.argv[1:]
    indices = [int(index) for index in indices]
    metadata, tensors = read_model(model)
    for index, row in zip(indices, predict(metadata, tensors, read_images(images)[indices])):
        best = int(row.argmax())
        line = {"index": index, "class": best}
        if "class_names" in metadata:
            line["label"] = metadata["class_names"][best]
        line["probabilities"] = [float(p) for p in row]
        print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
