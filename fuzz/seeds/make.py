"""Writes the seeds anew: small good files, as different as their formats allow.

    python3 -m pip install msgpack==1.* pillow==13.*
    python3 fuzz/seeds/make.py

The model files are written from crates/nn-io/FORMAT.md alone. The one of the whole training is
crates/nn-io/tests/golden/v1.0.model, copied. Another Pillow may write other bytes for the pictures,
which are as good.
"""

import gzip
import io
import shutil
import struct
import zlib
from pathlib import Path

import msgpack
from PIL import Image

HERE = Path(__file__).resolve().parent
GOLDEN = HERE.parents[1] / "crates/nn-io/tests/golden/v1.0.model"


def write(name, data):
    path = HERE / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    print(f"{name}: {len(data)} bytes")


def model(layers, training=None, minor=0, features=0, **more):
    """A model file of layers `(inputs, outputs)`, "relu" and "softmax"; each weight is its index."""
    dense = [layer for layer in layers if isinstance(layer, tuple)]
    shapes = {}
    for i, (inputs, outputs) in enumerate(dense):
        shapes[f"dense{i}.weights"] = [inputs, outputs]
        shapes[f"dense{i}.biases"] = [outputs]
    if training:
        n_params = sum(inputs * outputs + outputs for inputs, outputs in dense)
        shapes |= {"adam.m": [n_params], "adam.v": [n_params]}
        if "amsgrad" in training["optimizer"]["adam"]:
            shapes["adam.v_max"] = [n_params]

    tensors, data = [], b""
    for name, shape in shapes.items():
        n = shape[0] * shape[-1] if len(shape) == 2 else shape[0]
        content = struct.pack(f"<{n}f", *range(n))
        data += struct.pack(">BI", 0xC6, len(content)) + content
        tensors.append({"name": name, "shape": shape, "crc32": zlib.crc32(content)})

    metadata = {
        "producer": "make.py",
        "instruction_set": "",
        "input": {"width": dense[0][0], "height": 1, "mean": 72.94, "std": 90.02},
        "layers": [
            {"dense": {"inputs": layer[0], "outputs": layer[1]}}
            if isinstance(layer, tuple)
            else {layer: {}}
            for layer in layers
        ],
        "class_names": [f"class {i}" for i in range(dense[-1][1])],
        "dataset": {"name": "none", "sha256": "0" * 64},
        "n_validation": 0,
        **({"training": training} if training else {}),
        "tensors": tensors,
        **more,
    }
    # The scaling is exact in 32 bits.
    for key in ("mean", "std"):
        [metadata["input"][key]] = struct.unpack("<f", struct.pack("<f", metadata["input"][key]))
    packed = msgpack.packb(metadata)
    header = b"\xc7\x3d\x4dNNFM\r\n\x1a\n" + struct.pack(
        "<HHIIQQI17x",
        *(1, minor, features, len(tensors), len(packed), 64 + len(packed) + len(data)),
        zlib.crc32(packed),
    )
    return header + struct.pack("<I", zlib.crc32(header)) + packed + data


def models():
    (HERE / "model").mkdir(exist_ok=True)
    shutil.copy(GOLDEN, HERE / "model/training.model")
    beginning = {
        "optimizer": {"adam": {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "step": 0}},
        "schedule": {"inverse_time": {"learning_rate": 0.001, "decay": 0.0}},
        "config": {"seed": 2**64 - 1, "batch_size": 128},
        "progress": {"epoch": 0, "batch": 0, "loss": 0.0, "correct": 0, "n_samples": 0},
        "history": [],
    }
    write("model/beginning.model", model([(3, 2), "softmax"], beginning))
    plateau = {"learning_rate": 0.01, "factor": 0.5, "patience": 2, "min_delta": 1e-4, "warmup": 9}
    beginning["schedule"] = {"plateau": plateau}
    adam = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": True, "step": 0}
    beginning["optimizer"] = {"adam": adam}
    write("model/schedule.model", model([(2, 2), "softmax"], beginning, features=3))
    write("model/inference.model", model([(4, 3), "relu", (3, 2), "relu", (2, 2), "softmax"]))
    write("model/smallest.model", model([(1, 1)]))
    write("model/newer_minor.model", model([(1, 2)], minor=1, unknown={"key": [1.5, None]}))


def idx(code, element, dims, values):
    header = struct.pack(f">BBBB{len(dims)}I", 0, 0, code, len(dims), *dims)
    return header + struct.pack(f">{len(values)}{element}", *values)


def arrays():
    images = idx(0x08, "B", [2, 3, 4], [i * 37 % 256 for i in range(24)])
    write("idx/u8_images.idx", images)
    write("idx/u8_labels.idx", idx(0x08, "B", [5], [9, 0, 0, 3, 1]))
    write("idx/i8.idx", idx(0x09, "b", [2, 1], [-128, 127]))
    write("idx/i16.idx", idx(0x0B, "h", [2], [-32768, 258]))
    write("idx/i32.idx", idx(0x0C, "i", [1, 2], [-(2**31), 65536]))
    floats = idx(0x0D, "f", [3], [1.5, -0.0, float("nan")])
    write("idx/f32.idx", floats)
    write("idx/f64_rank_8.idx", idx(0x0E, "d", [1] * 8, [1e300]))

    write("idx/u8_images.gz", gzip.compress(images, mtime=0))
    write("idx/f32_stored.gz", gzip.compress(floats, compresslevel=0, mtime=0))
    fixed = zlib.compressobj(9, zlib.DEFLATED, 31, 9, zlib.Z_FIXED)
    write("idx/u8_fixed_codes.gz", fixed.compress(images) + fixed.flush())
    # Long enough for codes of its own, and for matches far back.
    noise = [i * i * 2654435761 % 2**32 >> 24 if i % 512 < 256 else i % 3 for i in range(4096)]
    write("idx/u8_own_codes.gz", gzip.compress(idx(0x08, "B", [4096], noise), mtime=0))
    # Extra field, name, comment and the header's own checksum.
    head = struct.pack("<BBBBIBBH4s", 0x1F, 0x8B, 8, 0x1E, 0, 0, 255, 4, b"ab\0\0") + b"name\0note\0"
    head += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
    write("idx/u8_all_fields.gz", head + gzip.compress(images, mtime=0)[10:])


def encoded(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def interlaced():
    """A grey PNG of 4 x 4 in the passes of Adam7, which Pillow does not write."""
    # The first column and row of a pass, and the steps to the next. Two begin outside the picture.
    passes = [(0, 0, 8, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = b""
    for x0, y0, dx, dy in passes:
        for y in range(y0, 4, dy):
            rows += b"\0" + bytes(16 * (x + 4 * y) for x in range(x0, 4, dx))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 1)
    chunks = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def pictures():
    grey = Image.new("L", (28, 28))
    grey.paste(200, (8, 4, 20, 25))
    colour = Image.new("RGB", (9, 7), "white")
    colour.paste((30, 60, 90), (2, 1, 6, 6))
    cut_out = Image.new("RGBA", (6, 6))
    cut_out.paste((200, 0, 0, 128), (1, 1, 4, 5))
    deep = Image.new("I;16", (5, 4), 1000)
    deep.paste(60_000, (1, 1, 3, 3))
    palette = colour.convert("P", palette=Image.Palette.ADAPTIVE, colors=4)
    write("picture/grey.png", encoded(grey, "PNG", optimize=True))
    write("picture/colour.png", encoded(colour, "PNG"))
    write("picture/cut_out.png", encoded(cut_out, "PNG"))
    write("picture/grey_alpha.png", encoded(cut_out.convert("LA"), "PNG"))
    write("picture/16_bit.png", encoded(deep, "PNG"))
    write("picture/1_bit.png", encoded(grey.convert("1"), "PNG"))
    write("picture/palette.png", encoded(palette, "PNG", transparency=b"\0\xff\x80", bits=2))
    write("picture/interlaced.png", interlaced())

    turned = Image.Exif()
    turned[0x0112] = 6
    write("picture/grey.jpg", encoded(grey, "JPEG"))
    write("picture/colour.jpg", encoded(colour, "JPEG", subsampling="4:2:0", optimize=True))
    write("picture/turned.jpg", encoded(colour, "JPEG", subsampling="4:4:4", exif=turned))
    write("picture/progressive.jpg", encoded(colour, "JPEG", progressive=True))
    write("picture/restarts.jpg", encoded(grey, "JPEG", optimize=True, restart_marker_blocks=2))
    write("picture/cmyk.jpg", encoded(colour.convert("CMYK"), "JPEG", optimize=True))


models()
arrays()
pictures()
