"""Writes the seeds: small good files, as different as their formats allow.

    python3 -m pip install msgpack==1.* pillow==13.*
    python3 fuzz/seeds/make.py

The model files are written from crates/nn-io/FORMAT.md alone, except for copies of two golden files of nn-io: a whole
training run and a regression model. Another version of Pillow may write other bytes for the pictures, which are as good.
"""

import gzip
import io
import math
import shutil
import struct
import zipfile
import zlib
from pathlib import Path

import msgpack
from PIL import Image

HERE = Path(__file__).resolve().parent
GOLDEN = HERE.parents[1] / "crates/nn-io/tests/golden"


def write(name, data):
    path = HERE / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    print(f"{name}: {len(data)} bytes")


def wire(layer):
    """A layer as a record of the file."""
    if isinstance(layer, tuple):
        return {"dense": {"inputs": layer[0], "outputs": layer[1]}}
    return layer if isinstance(layer, dict) else {layer: {}}


def model(layers, training=None, minor=0, features=0, channels=1, directory=None, **more):
    """A model file. A layer is `(inputs, outputs)`, a kind without settings, or a map of a kind to its settings. Each weight
    is its index."""
    dense = [layer for layer in layers if isinstance(layer, tuple)]
    layers = [wire(layer) for layer in layers]
    shapes, statistics = {}, {}
    numbers = dict.fromkeys(["dense", "layer_norm", "batch_norm"], 0)
    for [(kind, settings)] in map(dict.items, layers):
        if kind not in numbers:
            continue
        name = f"{kind}{numbers[kind]}"
        numbers[kind] += 1
        if kind == "dense":
            size = settings["outputs"]
            shapes |= {f"{name}.weights": [settings["inputs"], size], f"{name}.biases": [size]}
        else:
            shapes |= {f"{name}.scales": [size], f"{name}.shifts": [size]}
        if kind == "batch_norm":
            statistics |= {f"{name}.means": [size], f"{name}.variances": [size]}
    n_params = sum(math.prod(shape) for shape in shapes.values())
    n_statistics = sum(math.prod(shape) for shape in statistics.values())
    shapes |= statistics
    if training:
        shapes |= {"adam.m": [n_params], "adam.v": [n_params]}
        if "amsgrad" in training["optimizer"]["adam"]:
            shapes["adam.v_max"] = [n_params]
        if "averaging" in training["config"]:
            shapes["average.parameters"] = [n_params]
        if "keep_best" in training["config"] and training["progress"]["epoch"]:
            shapes["best.parameters"] = [n_params]
            if n_statistics:
                shapes["best.statistics"] = [n_statistics]

    tensors, data = [], b""
    for name, shape in shapes.items():
        n = math.prod(shape)
        content = struct.pack(f"<{n}f", *range(n))
        data += struct.pack(">BI", 0xC6, len(content)) + content
        tensors.append({"name": name, "shape": shape, "crc32": zlib.crc32(content)})

    metadata = {
        "producer": "make.py",
        "instruction_set": "",
        "input": {
            **{"width": dense[0][0] // channels, "height": 1},
            **({"channels": channels} if channels > 1 else {}),
            **{"mean": 72.94, "std": 90.02},
            **({"mirror": True} if features & 8 else {}),
        },
        "layers": layers,
        "class_names": [f"class {i}" for i in range(dense[-1][1])],
        "dataset": {
            **{"name": "none", "sha256": "0" * 64},
            **({"directory": directory} if directory else {}),
        },
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


BATCH_NORM = {"batch_norm": {"momentum": 0.1, "epsilon": 1e-5}}


def every_layer():
    kinds = ["sigmoid", "tanh", "gelu", "silu", "linear", "softmax"]
    kinds += [{"leaky_relu": {"slope": 0.01}}, {"elu": {"alpha": 1.0}}, {"dropout": {"rate": 0.5}}]
    return [(2, 2), BATCH_NORM, {"layer_norm": {"epsilon": 1e-5}}, *kinds, (2, 1), BATCH_NORM]


def run():
    """The state of a run with every setting, after an epoch."""
    penalty = dict.fromkeys(["weights_l1", "weights_l2", "biases_l1", "biases_l2"], 1e-4)
    metrics = {"loss": 0.5, "accuracy": 0.75}
    record = {"train": metrics, "validation": metrics, "penalty": 0.01, "learning_rate": 0.001}
    return {
        "optimizer": {"adam": {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "step": 4}},
        "schedule": {"inverse_time": {"learning_rate": 0.001, "decay": 0.0}},
        "config": {
            **{"seed": 0, "batch_size": 8, "accumulation": 2, "shuffle": "once"},
            **{"loss": {"cross_entropy": {"smoothing": 0.1}}, "class_weights": [0.5, 1.5]},
            **{"penalties": [penalty], "frozen": [False], "clip": {"value": 1.0}},
            "augmentation": {
                **{"flip": True, "shift": 1, "cutout": 1},
                **{"rotate": 10.0, "zoom": 0.125, "tone": 0.25, "noise": 5.5},
            },
            **{"averaging": 0.99, "monitor": "accuracy", "keep_best": True},
            "early_stop": {"patience": 3, "min_delta": 0.0},
            **{"init": "glorot", "validates_on_test": True, "arithmetic": "plain"},
            "held_out": "stratified",
        },
        "progress": {"epoch": 1, "batch": 0, "loss": 0.0, "correct": 0, "n_samples": 0},
        "history": [record],
    }


def models():
    (HERE / "model").mkdir(exist_ok=True)
    shutil.copyfile(GOLDEN / "v1.0.model", HERE / "model/training.model")
    shutil.copyfile(GOLDEN / "v1.0-table.model", HERE / "model/table.model")
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
    write("model/layers.model", model(every_layer(), features=12))
    write("model/run.model", model([(2, 2), BATCH_NORM, "softmax"], run(), features=17940))
    write("model/inference.model", model([(4, 3), "relu", (3, 2), "relu", (2, 2), "softmax"]))
    write("model/channels.model", model([(6, 2), "softmax"], features=72, channels=3))
    write("model/directory.model", model([(2, 2)], minor=2, directory="digits"))
    write("model/smallest.model", model([(1, 1)]))
    write("model/newer_minor.model", model([(1, 2)], minor=3, unknown={"key": [1.5, None]}))


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
    # Long enough for dynamic Huffman codes, and for matches far back.
    noise = [i * i * 2654435761 % 2**32 >> 24 if i % 512 < 256 else i % 3 for i in range(4096)]
    write("idx/u8_own_codes.gz", gzip.compress(idx(0x08, "B", [4096], noise), mtime=0))
    # Extra field, name, comment and the header's own checksum.
    head = struct.pack("<BBBBIBBH4s", 0x1F, 0x8B, 8, 0x1E, 0, 0, 255, 4, b"ab\0\0") + b"name\0note\0"
    head += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
    write("idx/u8_all_fields.gz", head + gzip.compress(images, mtime=0)[10:])


def tables():
    """Tables that fit a target's options: squares of grey or colour, or 2 x 3 pixels."""

    def table(header, *rows, separator=","):
        lines = [header, *rows] if header else rows
        return "".join(separator.join(map(str, line)) + "\n" for line in lines).encode()

    names = [f"pixel{i}" for i in range(4)]
    plain = table(["label", *names], [0, 0, 51, 102, 255], [9, 7, 0, 14, 200])
    write("csv/plain.csv", plain)
    write("csv/windows.csv", b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n"))
    write("csv/label_last.csv", table([*names, "Class"], [1, 2, 3, 4, 5], [5, 4, 3, 2, 1]))
    write("csv/no_header.csv", table(None, [3, 0, 1, 2, 3], [4, 255, 254, 253, 252]))
    write("csv/no_labels.csv", table(names, [1, 2, 3, 4]))
    write("csv/row_numbers.csv", table(["", *range(4), "target"], [0, 1, 2, 3, 4, 7], [1, 4, 3, 2, 1, 8]))
    write("csv/semicolon.csv", table(["y", *names], ["a", "0,5", 0, 1, "0,25"], separator=";"))
    write("csv/tab.csv", table(None, ["dog house", 1, 2, 3, 4, 5, 6], separator="\t"))
    write("csv/quoted.csv", b'"label","a","b","c","d"\n"a, ""b""",1,"2",3,4\n')
    write("csv/fractions.csv", table(["label", *names], [0, 0, 1, 0.5, "1e-1"], [1, 1, 0, 0, 0]))
    write("csv/decimals.csv", table(None, ["2.0", "127.0", "1.27e+02", "0e0", "025"]))
    write("csv/colour.csv", table(["label", *range(12)], [1, *range(12)]))
    write("csv/two_by_three.csv", table(None, [1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1]))
    write("csv/plain.csv.gz", gzip.compress(plain[:9], mtime=0) + gzip.compress(plain[9:], mtime=0))


def folders():
    """Tables of labels and names of files, each after a zero byte: see targets/folder.rs."""
    def folder(name, table, *files):
        write(f"folder/{name}", b"\0".join([table.encode(), *(file.encode() for file in files)]))

    def classes(part="", n=6, extension="png"):
        return [f"{part}{name}/{i}.{extension}" for name in "ab" for i in range(n)]

    folder("classes", "", *classes())
    folder("train_test", "", *classes("train/", 2), *classes("test/", 1))
    folder("train_val", "", *classes("Train/", 2), *classes("val/", 1, "jpg"))
    folder("all_parts", "", *classes("training/", 1), *classes("valid/", 1), *classes("testing/", 1))
    folder("train_alone", "", *classes("train/"))
    folder("wrapped", "", *classes("set/data/"), "__MACOSX/x")
    folder("below", "", *(name.replace("/", "/more/") for name in classes()), "a/Thumbs.db", "desktop.ini")
    folder("next_to", "", *classes(), "README.md", "labels.txt")
    rows = "".join(f"{i},{'ab'[i % 2]}\n" for i in range(12))
    folder("labels", "id,label\n" + rows, *(f"{i}.png" for i in range(12)))
    folder("labels_below", rows, *(f"images/{i}.jpeg" for i in range(12)))
    folder("labels_semicolon", "file;w;class\n" + rows.replace(",", ".png;28;"), *(f"{i}.png" for i in range(12)))
    folder("labels_quoted", '"filename","label"\n' + rows.replace(",", ',"').replace("\n", '"\n'), *(f"{i}" + ".gif" for i in range(12)))


def npy(descr, dims, values, version=1):
    """An array as numpy.save writes it."""
    shape = f"({dims[0]},)" if len(dims) == 1 else str(tuple(dims))
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    size = 10 if version == 1 else 12
    text += " " * (-(size + len(text) + 1) % 64) + "\n"
    header = b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text))
    order, kind = descr[0].replace("|", "<"), descr[1:]
    element = {"u1": "B", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u8": "Q", "f2": "e", "f4": "f", "f8": "d"}[kind]
    return header + text.encode() + struct.pack(f"{order}{len(values)}{element}", *values)


def npz(name, images, labels, dims=(2, 2), label_dims=(), scale=1, deflated=False, zip64=False, extra=False, version=1):
    """An archive of 3 training and 2 test images with these types."""
    out = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", method) as archive:
        for part, n in [("train", 3), ("test", 2)]:
            pixels = [i * 37 % 256 / scale if scale > 1 else i * 37 % 128 for i in range(n * math.prod(dims))]
            arrays = [("x", npy(images, (n, *dims), pixels, version))]
            arrays.append(("y", npy(labels, (n, *label_dims), [i % 2 for i in range(n)], version)))
            for letter, array in arrays:
                info = zipfile.ZipInfo(f"{letter}_{part}.npy")
                info.compress_type = method
                with archive.open(info, "w", force_zip64=zip64) as member:
                    member.write(array)
        if extra:
            archive.writestr(zipfile.ZipInfo("readme.txt"), b"hello")
            archive.comment = b"a comment"
    write(f"npz/{name}.npz", out.getvalue())


def archives():
    npz("u8", "|u1", "|u1")
    npz("u8_deflated", "|u1", "|u1", deflated=True)
    npz("u8_zip64", "|u1", "<i8", zip64=True)
    npz("u8_column", "|u1", "<i4", label_dims=(1,))
    npz("u8_channel", "|u1", "|i1", dims=(2, 2, 1))
    npz("u8_first_channel", "|u1", "|u1", dims=(1, 2, 2), deflated=True)
    npz("u8_colour", "|u1", "|u1", dims=(2, 2, 3), deflated=True)
    npz("i2_big_endian", ">i2", ">i8")
    npz("f4", "<f4", "<f4")
    npz("f4_unit", "<f4", "<u8", scale=255, zip64=True, deflated=True)
    npz("f8_big_endian_unit", ">f8", ">f8", scale=255)
    npz("f2_version_2", "<f2", "<i2", version=2)
    npz("version_3_extra", "|u1", "|u1", version=3, extra=True)


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
    other_pictures(grey, colour, cut_out, palette, turned)


def other_pictures(grey, colour, cut_out, palette, turned):
    write("picture/lossy.webp", encoded(colour, "WEBP", quality=50))
    write("picture/lossless.webp", encoded(palette.convert("RGB"), "WEBP", lossless=True))
    write("picture/cut_out.webp", encoded(cut_out, "WEBP", quality=50, exif=turned))
    frames = [cut_out.rotate(90, expand=True).resize((6, 6)), cut_out.transpose(0)]
    write("picture/animated.webp", encoded(cut_out, "WEBP", save_all=True, append_images=frames))
    write("picture/palette.gif", encoded(palette, "GIF"))
    write("picture/animated.gif", encoded(palette, "GIF", save_all=True, append_images=[colour.transpose(0)]))
    write("picture/interlaced.gif", encoded(palette, "GIF", interlace=1, transparency=0))
    write("picture/colour.bmp", encoded(colour, "BMP"))
    write("picture/palette.bmp", encoded(palette, "BMP"))
    write("picture/1_bit.bmp", encoded(grey.convert("1"), "BMP"))
    write("picture/colour.tif", encoded(colour, "TIFF"))
    for name in ["tiff_lzw", "packbits", "tiff_adobe_deflate", "jpeg"]:
        write(f"picture/{name}.tif", encoded(colour, "TIFF", compression=name))
    write("picture/group4.tif", encoded(grey.convert("1"), "TIFF", compression="group4"))
    write("picture/cut_out.tif", encoded(cut_out, "TIFF", compression="tiff_lzw", tiffinfo={317: 2}))
    write("picture/colour.ppm", encoded(colour, "PPM"))
    write("picture/1_bit.pbm", encoded(grey.convert("1"), "PPM"))
    write("picture/text.pgm", b"P2 # a comment\n3 2\n9\n" + b"0 1 2\n3 9 8\n")
    pam = b"P7\nWIDTH 2\nHEIGHT 1\nDEPTH 2\nMAXVAL 255\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\n"
    write("picture/grey_alpha.pam", pam + bytes([0, 255, 200, 128]))
    write("picture/png.ico", encoded(cut_out.resize((16, 16)), "ICO", sizes=[(16, 16)]))
    write("picture/bmp.ico", encoded(cut_out.resize((16, 16)), "ICO", sizes=[(16, 16)], bitmap_format="bmp"))
    write("picture/colour.tga", encoded(colour, "TGA"))
    write("picture/run_lengths.tga", encoded(cut_out, "TGA", compression="tga_rle"))
    write("picture/palette.tga", encoded(palette, "TGA"))
    # A pixel, a run, an index, a small and a larger difference.
    steps = bytes([0xFE, 9, 60, 200, 0xC2, 0x35, 0x6B, 0xA8, 0x77])
    write("picture/colour.qoi", b"qoif" + struct.pack(">IIBB", 7, 1, 3, 0) + steps + bytes(7) + b"\1")


models()
arrays()
tables()
folders()
archives()
pictures()
