"""Reads a model file and predicts, from crates/nn-io/FORMAT.md alone.

    python3 -m pip install msgpack numpy
    python3 read_model.py MODEL IMAGES INDEX...

IMAGES is an IDX file of images, gzip or not. Prints one JSON object a line for each index:
{"index": 0, "class": 9, "label": "Ankle boot", "probabilities": [...]}
"""

import gzip
import json
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
    major, _, features, n_tensors, metadata_len, file_len, metadata_crc, zeros, header_crc = header
    assert zlib.crc32(data[:60]) == header_crc, "the header is damaged"
    assert major == 1 and features & ~3 == 0, "a newer format"
    assert file_len == len(data) and zeros == bytes(17)

    end = 64 + metadata_len
    assert zlib.crc32(data[64:end]) == metadata_crc, "the metadata are damaged"
    metadata = msgpack.unpackb(data[64:end])
    # The one form of section 3 is what msgpack writes.
    assert msgpack.packb(metadata) == data[64:end]

    # Bit 0: an optimizer other than plain Adam. Bit 1: a schedule other than inverse time without a warm-up.
    training = metadata.get("training")
    if training is None:
        assert features == 0
    else:
        [(optimizer, settings)] = training["optimizer"].items()
        other_optimizer = optimizer != "adam" or "amsgrad" in settings
        [(schedule, settings)] = training["schedule"].items()
        other_schedule = schedule != "inverse_time" or "warmup" in settings
        assert features == other_optimizer + 2 * other_schedule

    unpacker = msgpack.Unpacker(max_buffer_size=len(data))
    unpacker.feed(data[end:])
    tensors = {}
    assert len(metadata["tensors"]) == n_tensors
    for tensor in metadata["tensors"]:
        content = unpacker.unpack()
        assert zlib.crc32(content) == tensor["crc32"], f"{tensor['name']} is damaged"
        tensors[tensor["name"]] = np.frombuffer(content, "<f4").reshape(tensor["shape"])
    assert unpacker.tell() == len(data) - end, "bytes behind the last tensor"
    return metadata, tensors


def predict(metadata, tensors, pixels):
    """Probabilities, a row an image of bytes (section 5)."""
    scaling = metadata["input"]
    mean, std = np.float32(scaling["mean"]), np.float32(scaling["std"])
    x = (pixels.astype(np.float32) - mean) * (np.float32(1) / std)
    n_dense = 0
    for layer in metadata["layers"]:
        [kind] = layer
        if kind == "dense":
            x = x @ tensors[f"dense{n_dense}.weights"] + tensors[f"dense{n_dense}.biases"]
            n_dense += 1
        elif kind == "relu":
            x = np.maximum(x, 0)
        elif kind == "softmax":
            exponentials = np.exp(x - x.max(axis=1, keepdims=True))
            x = exponentials / exponentials.sum(axis=1, keepdims=True)
        else:
            raise ValueError(f"a layer of the kind {kind}")
    return x


def read_images(path):
    """The images of an IDX file, a row each."""
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
        label = metadata["class_names"][best]
        probabilities = [float(p) for p in row]
        line = {"index": index, "class": best, "label": label, "probabilities": probabilities}
        print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
