"""Shared by the Python peers: arguments, data, timing and printing.

Import it before the library that is measured. Importing it reads the arguments and sets the number
of threads in the environment, which libraries read once, when they are loaded.
"""

import argparse
import gzip
import itertools
import json
import os
import pathlib
import sys
import time

PIXELS, CLASSES = 784, 10


def _arguments():
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("task", nargs="?", default="train", choices=["train", "infer"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument(
        "--hidden", default=[128, 128], type=lambda text: [int(n) for n in text.split(",")]
    )
    parser.add_argument(
        "--epochs", type=int, default=5, help="timed epochs, after one that is not timed"
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


args = _arguments()
# (inputs, outputs) of every layer.
layer_sizes = list(itertools.pairwise([PIXELS, *args.hidden, CLASSES]))
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = str(args.threads)

import numpy as np  # noqa: E402 (it reads the environment)


def pin():
    """Pins this process to as many processors as it may have threads: XLA has no other limit."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])


def load(name):
    """Images (n x 784, f32 from -1 to 1) and labels (n, i64) of `train` or `t10k`."""
    directory = pathlib.Path(
        os.environ.get("FMNIST_DATA_DIR")
        or pathlib.Path(__file__).parents[2] / "data" / "fashion-mnist"
    )

    def read(kind, header):
        with gzip.open(directory / f"{name}-{kind}-ubyte.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=header)

    images = read("images-idx3", 16).reshape(-1, PIXELS)
    return (images.astype(np.float32) - 127.5) / 127.5, read("labels-idx1", 8).astype(np.int64)


def seconds_of(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def train(peer, version, epoch, predict):
    """Times `epoch()`, after a first one that is not counted; `predict(images)` returns logits."""
    seconds = [seconds_of(epoch) for _ in range(args.epochs + 1)]
    report_training(peer, version, seconds[1:], predict)


def report_training(peer, version, seconds, predict):
    images, labels = load("t10k")
    accuracy = np.mean(np.argmax(np.asarray(predict(images)), axis=1) == labels)
    report(peer, version, batch=args.batch, epoch_seconds=seconds, test_accuracy=float(accuracy))


def infer(peer, version, predict, convert=lambda images: images):
    """Times `predict` on the 10,000 test images at once, and on one at a time.

    `convert` converts images to the library's own type, which is not timed.
    """
    images, _ = load("t10k")
    block = convert(images)
    many = [seconds_of(predict, block) * 1e3 for _ in range(35)][5:]
    singles = [convert(images[i : i + 1]) for i in range(len(images))]
    one = np.array([seconds_of(predict, image) * 1e6 for image in singles][500:])
    quantiles = {"min": one.min(), "median": np.median(one), "p99": np.quantile(one, 0.99)}
    report(peer, version, infer_10000_ms=many, infer_1_us=quantiles)


def he_normal(generator):
    """Weights (inputs x outputs) and biases of every layer."""
    return [
        (
            generator.normal(0, np.sqrt(2 / inputs), (inputs, outputs)).astype(np.float32),
            np.zeros(outputs, np.float32),
        )
        for inputs, outputs in layer_sizes
    ]


def report(peer, version, **figures):
    line = {"peer": peer, "version": version, "threads": args.threads, **figures}
    print(json.dumps(line), flush=True)
