"""Makes the other files here from v1.0.model.

    python3 -m pip install msgpack
    python3 make.py

v1.0-sgd is the same run with another optimizer, as in FORMAT.md: with the required feature, and with Adam's first
moment as its momentum. v1.0-schedule has another schedule and AMSGrad, with both required features. v1.0-exponential
has a schedule whose factor applies to several steps, v1.0-plain is in plain arithmetic, and v1.0-augmentation rotates and
scales images, and changes their tone and noise. v1.0-held-out holds out samples of each class.

v1.0-layers is another network, which has every kind of layer and averages the predictions for mirror images. v1.0-run
is a run with every setting except those of v1.0-origin, v1.0-plain and v1.0-augmentation, of a network with a batch normalisation. Their numbers are
those of the checkpoints in `tests/suite/fuller.rs`. v1.0-table is a regression model for tables, and has nothing that
only image classifiers have. v1.0-channels is a network for colour images, averaged with mirror images. v1.1 says how
pictures are prepared, v1.2 which directory its dataset was read from, and v1.0-decision when an answer is sure.

The others are files as a later program might write them. v1.99 has keys that version 1.2 does not know, at every level
where a minor version may add some: values of every type, before, between and after the known ones. v2.0 has a header of
the layout that all versions share, and then metadata that only version 2.0 would know.
"""

import math
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
    """The metadata, the number of tensors and their bytes, of the same run with Nesterov's momentum."""
    step = metadata["training"]["optimizer"]["adam"]["step"]
    settings = {"momentum": 0.75, "nesterov": True, "step": step}
    metadata["training"]["optimizer"] = {"sgd": settings}
    v = metadata["tensors"].pop()
    metadata["tensors"][-1]["name"] = "sgd.momentum"
    return metadata, len(metadata["tensors"]), tensors[: -5 - 4 * v["shape"][0]]


def schedule(metadata, tensors):
    """The same for a run with AMSGrad, and a cosine schedule after a warm-up."""
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


def floats(n, f):
    return struct.pack(f"<{n}f", *map(f, range(n)))


def network(metadata, layers, more=lambda n_params, n_statistics: {}):
    """The metadata, the number of tensors and their bytes, of the same run with another network; `more` are the tensors
    after Adam's moments."""
    params, statistics = {}, {}
    numbers = {}
    size = 0
    for [(kind, settings)] in map(dict.items, layers):
        name = f"{kind}{numbers.setdefault(kind, 0)}"
        numbers[kind] += 1
        if kind == "dense":
            size = settings["outputs"]
            params |= {f"{name}.weights": [settings["inputs"], size], f"{name}.biases": [size]}
        if kind in ("layer_norm", "batch_norm"):
            params |= {f"{name}.scales": [size], f"{name}.shifts": [size]}
        if kind == "batch_norm":
            statistics |= {f"{name}.means": [size], f"{name}.variances": [size]}

    def contents(shapes, f):
        """One tensor after another. Each number is `f` of its index among the numbers of all tensors."""
        start, tensors = 0, {}
        for name, shape in shapes.items():
            n = math.prod(shape)
            tensors[name] = shape, floats(n, lambda i: f(start + i))
            start += n
        return start, tensors

    n_params, tensors = contents(params, lambda i: (i * 17 % 41 - 20) / 20)
    n_statistics, of_statistics = contents(statistics, lambda i: (i + 1) / 8)
    tensors |= of_statistics
    moments = {"adam.m": lambda i: (i - 11) / 7000, "adam.v": lambda i: i * i / 90000}
    for name, (n, f) in {
        **{name: (n_params, f) for name, f in moments.items()},
        **more(n_params, n_statistics),
    }.items():
        tensors[name] = [n], floats(n, f)
    metadata["layers"] = layers
    metadata["tensors"] = [
        {"name": name, "shape": shape, "crc32": zlib.crc32(data)}
        for name, (shape, data) in tensors.items()
    ]
    data = b"".join(struct.pack(">BI", 0xC6, len(data)) + data for _, data in tensors.values())
    return metadata, len(tensors), data


def dense(inputs, outputs):
    return {"dense": {"inputs": inputs, "outputs": outputs}}


def layers(metadata):
    """Every kind of layer, batch normalisation twice."""
    metadata["input"]["mirror"] = True
    return network(
        metadata,
        [
            *(dense(4, 4), {"layer_norm": {"epsilon": 1e-5}}, {"leaky_relu": {"slope": 0.01}}),
            *({"dropout": {"rate": 0.25}}, dense(4, 5)),
            *({"batch_norm": {"momentum": 0.1, "epsilon": 1e-5}}, {"elu": {"alpha": 1.5}}),
            *(dense(5, 4), {"batch_norm": {"momentum": 0.25, "epsilon": 1e-3}}, {"gelu": {}}),
            *(dense(4, 4), {"silu": {}}, dense(4, 3), {"tanh": {}}, dense(3, 4), {"relu": {}}),
            *(dense(4, 3), {"sigmoid": {}}, dense(3, 2), {"linear": {}}, {"softmax": {}}),
        ],
    )


def channels(metadata):
    """Colour images of 2 x 2 pixels."""
    size = {key: metadata["input"].pop(key) for key in ("width", "height")}
    metadata["input"] = {**size, "channels": 3, **metadata["input"], "mirror": True}
    return network(metadata, [dense(12, 3), {"relu": {}}, dense(3, 2), {"softmax": {}}])


def run(metadata):
    """A run with every setting, and the copies that it keeps."""
    penalty = {"weights_l1": 0.0, "weights_l2": 5e-4, "biases_l1": 1e-5, "biases_l2": 0.0}
    none = dict.fromkeys(penalty, 0.0)
    metadata["training"]["config"] |= {
        "accumulation": 2,
        "shuffle": "once",
        "loss": {"focal": {"gamma": 2.0}},
        "class_weights": [0.5, 1.5],
        "penalties": [penalty, none],
        "frozen": [False, True],
        "clip": {"norm": 1.5},
        "augmentation": {"flip": True, "shift": 1, "cutout": 2},
        "averaging": 0.99,
        "monitor": "accuracy",
        "keep_best": True,
        "early_stop": {"patience": 3, "min_delta": 0.001},
    }
    [first, second] = metadata["training"]["history"]
    metadata["training"]["history"] = [
        {key: first[key] for key in ("train", "validation")}
        | {"penalty": 0.25, "learning_rate": first["learning_rate"]},
        second,
    ]
    batch_norm = {"batch_norm": {"momentum": 0.1, "epsilon": 1e-5}}
    return network(
        metadata,
        [dense(4, 3), batch_norm, {"relu": {}}, dense(3, 2), {"softmax": {}}],
        lambda n_params, n_statistics: {
            "average.parameters": (n_params, lambda i: (i - 9) / 30),
            "best.parameters": (n_params, lambda i: (i - 8) / 30),
            "best.statistics": (n_statistics, lambda i: (i + 2) / 8),
        },
    )


def origin(metadata):
    """A run that says how its weights were initialised, and that its epochs are evaluated on the test set."""
    metadata["training"]["config"] |= {"init": "book", "validates_on_test": True}
    return metadata


def table(metadata):
    """A regression on a table of four features: no softmax, image size, scaling, class names or dataset."""
    metadata["layers"].pop()
    metadata["input"] = {}
    del metadata["class_names"], metadata["dataset"]
    metadata["training"]["config"]["loss"] = {"mean_squared_error": {}}
    return metadata


def decision(metadata, tensors):
    """The metadata, the number of tensors and their bytes, of the same run with a decision after its tensors."""
    scales = [(5.5, 2.25), (-90.0, -92.5), (-0.5, -3.0)]
    added = {
        "temperature": 1.25,
        "threshold": -1.5,
        "scales": [{"median": median, "low": low} for median, low in scales],
    }
    items = list(metadata.items())
    place = list(metadata).index("class_names") + 1
    metadata = dict(items[:place] + [("decision", added)] + items[place:])
    for name, n in [("image", 4), ("feature", 3)]:
        for kind, shape, f in [
            ("centres", [2, n], lambda i: i - 2),
            ("whitening", [n * (n + 1) // 2], lambda i: (i + 1) / 4),
        ]:
            data = floats(math.prod(shape), f)
            spec = {"name": f"decision.{name}_{kind}", "shape": shape, "crc32": zlib.crc32(data)}
            metadata["tensors"].append(spec)
            tensors += struct.pack(">BI", 0xC6, len(data)) + data
    return metadata, len(metadata["tensors"]), tensors


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
    metadata["input"]["palette"] = [1]
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
metadata, _, _ = read()
write(1, 0, *layers(metadata), features=12, name="-layers")
metadata, _, _ = read()
write(1, 0, *run(metadata), features=20, name="-run")
metadata, n_tensors, tensors = read()
write(1, 0, origin(metadata), n_tensors, tensors, features=16, name="-origin")
metadata, n_tensors, tensors = read()
write(1, 0, table(metadata), n_tensors, tensors, features=48, name="-table")
metadata, n_tensors, tensors = read()
exponential = {"learning_rate": 0.002, "every": 430, "factor": 0.9}
metadata["training"]["schedule"] = {"exponential": exponential}
write(1, 0, metadata, n_tensors, tensors, features=4098, name="-exponential")
metadata, n_tensors, tensors = read()
metadata["training"]["config"]["arithmetic"] = "plain"
write(1, 0, metadata, n_tensors, tensors, features=1040, name="-plain")
metadata, n_tensors, tensors = read()
metadata["training"]["config"]["augmentation"] = {
    **{"flip": False, "shift": 0, "cutout": 0},
    **{"rotate": 10.0, "zoom": 0.125, "tone": 0.25, "noise": 5.5},
}
write(1, 0, metadata, n_tensors, tensors, features=16400, name="-augmentation")
metadata, _, tensors = read()
write(1, 0, *decision(metadata, tensors), features=128, name="-decision")
metadata, n_tensors, tensors = read()
metadata["input"]["preparation"] = {"ink": {}}
write(1, 1, metadata, n_tensors, tensors)
metadata, n_tensors, tensors = read()
metadata["dataset"]["directory"] = "größe 28"
write(1, 2, metadata, n_tensors, tensors)
metadata, _, _ = read()
write(1, 0, *channels(metadata), features=72, name="-channels")
metadata, n_tensors, tensors = read()
metadata["training"]["config"]["held_out"] = "stratified"
write(1, 0, metadata, n_tensors, tensors, features=528, name="-held-out")
metadata, n_tensors, tensors = read()
write(2, 0, {"graph": [{"convolution": {"kernel": [3, 3]}}], "blobs": [[0, 306]]}, 1, tensors)
write(1, 99, newer(metadata), n_tensors, tensors)
