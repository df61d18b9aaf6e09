"""Makes v1.0-sgd.model, v1.0-schedule.model, v1.99.model and v2.0.model from v1.0.model.

    python3 -m pip install msgpack
    python3 make.py

v1.0-sgd is the same run under another optimizer, as FORMAT.md has it: with its required feature, and
Adam's first moment as its momentum; v1.0-schedule under another schedule, and AMSGrad, with both required features.
The others are as a later program might have written them. v1.99 has keys that version 1.0 does not know, at every level where a minor version may add some: values
of every type, before, between and behind the known ones. v2.0 has a header of the layout that all
versions share, and behind it metadata that only version 2.0 would know.
"""

import struct
import zlib
from pathlib import Path

import msgpack

HERE = Path(__file__).parent


def read():
    """The metadata, the number of tensors, and all bytes of the tensors."""
    data = (HERE / "v1.0.model").read_bytes()
    n_tensors, metadata_len = struct.unpack_from("<IQ", data, 19)
    end = 64 + metadata_len
    return msgpack.unpackb(data[64:end]), n_tensors, data[end:]


def write(major, minor, metadata, n_tensors, tensors, features=0, name=""):
    metadata = msgpack.packb(metadata)
    file_len = 64 + len(metadata) + len(tensors)
    header = b"\xc7\x3d\x4dNNFM\r\n\x1a\n" + struct.pack(
        "<HHIIQQI17x",
        *(major, minor, features, n_tensors, len(metadata), file_len, zlib.crc32(metadata)),
    )
    header += struct.pack("<I", zlib.crc32(header))
    (HERE / f"v{major}.{minor}{name}.model").write_bytes(header + metadata + tensors)


def sgd(metadata, tensors):
    """The metadata, the number of tensors and their bytes, were it Nesterov's momentum that trains."""
    step = metadata["training"]["optimizer"]["adam"]["step"]
    settings = {"momentum": 0.75, "nesterov": True, "step": step}
    metadata["training"]["optimizer"] = {"sgd": settings}
    v = metadata["tensors"].pop()
    metadata["tensors"][-1]["name"] = "sgd.momentum"
    return metadata, len(metadata["tensors"]), tensors[: -5 - 4 * v["shape"][0]]


def schedule(metadata, tensors):
    """The same, were it AMSGrad that trains, along a cosine behind a warm-up."""
    adam = metadata["training"]["optimizer"]["adam"]
    step = adam.pop("step")
    adam |= {"amsgrad": True, "step": step}
    cosine = {"learning_rate": 0.002, "steps": 100, "minimum": 1e-5, "warmup": 30}
    metadata["training"]["schedule"] = {"cosine": cosine}
    [n] = metadata["tensors"][-1]["shape"]
    # Twice the last second moment.
    v = struct.unpack(f"<{n}f", tensors[-4 * n :])
    v_max = struct.pack(f"<{n}f", *(2 * x for x in v))
    metadata["tensors"].append({"name": "adam.v_max", "shape": [n], "crc32": zlib.crc32(v_max)})
    return metadata, len(metadata["tensors"]), tensors + tensors[-4 * n - 5 : -4 * n] + v_max


def newer(metadata):
    """The metadata with keys that a later minor version might add."""
    adam = metadata["training"]["optimizer"]["adam"]
    adam["weight_decay"] = 0.01
    metadata["training"]["schedule"]["inverse_time"]["warm_up"] = 100
    metadata["training"]["config"] = {"augment": True, **metadata["training"]["config"]}
    metadata["training"]["progress"]["best"] = {"epoch": 1, "loss": 0.75}
    metadata["training"]["early_stopping"] = {"patience": 5, "waited": 0}
    metadata["training"]["history"][0]["seconds"] = 2.5
    metadata["training"]["history"][0]["train"]["per_class"] = [0.5, 0.25]
    metadata["layers"][0]["dense"]["frozen"] = False
    metadata["layers"][1]["relu"]["slope"] = -1
    metadata["input"]["channels"] = [1]
    metadata["dataset"]["licence"] = None
    metadata["tensors"][0]["min_max"] = [-3.0, 4.0]
    return {
        "title": "größer",
        **{key: metadata[key] for key in list(metadata)[:5]},
        "thumbnail": b"\x89PNG",
        "extension": msgpack.ExtType(7, b"x"),
        **{key: metadata[key] for key in list(metadata)[5:]},
        "notes": ["ä" * 300, {"a": {"b": {"c": []}}}],
    }


metadata, _, tensors = read()
write(1, 0, *sgd(metadata, tensors), features=1, name="-sgd")
metadata, _, tensors = read()
write(1, 0, *schedule(metadata, tensors), features=3, name="-schedule")
metadata, n_tensors, tensors = read()
write(2, 0, {"graph": [{"convolution": {"kernel": [3, 3]}}], "blobs": [[0, 306]]}, 1, tensors)
write(1, 99, newer(metadata), n_tensors, tensors)
