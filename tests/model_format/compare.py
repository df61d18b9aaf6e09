"""Compares the program with read_model.py on the same images.

    python3 compare.py FMNIST MODEL DATA_DIR

FMNIST is the program, MODEL a file that it wrote, DATA_DIR the directory of Fashion-MNIST. Both
predict the probabilities of the same test images. Exits with 1 if they differ by more than the
rounding of 32 bits.
"""

import json
import pathlib
import subprocess
import sys

INDICES = [str(i) for i in range(0, 10_000, 97)]


def lines(command):
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def main(fmnist, model, data_dir):
    names = ["t10k-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte"]
    paths = [pathlib.Path(data_dir, name) for name in names]
    images = next(path for path in paths if path.exists())
    reader = pathlib.Path(__file__).with_name("read_model.py")

    indices = ["--index", ",".join(INDICES), "--data-dir", data_dir]
    ours = lines([fmnist, "predict", model, *indices, "--format", "json"])
    theirs = lines([sys.executable, str(reader), model, str(images), *INDICES])
    assert len(ours) == len(theirs) == len(INDICES), (len(ours), len(theirs))
    largest = 0.0
    for index, our, their in zip(INDICES, ours, theirs):
        pairs = zip(our["probabilities"], their["probabilities"], strict=True)
        difference = max(abs(a - b) for a, b in pairs)
        largest = max(largest, difference)
        if our["class"] != their["class"] or difference > 1e-5:
            sys.exit(f"test image {index}: fmnist says {our}, read_model.py {their}")
    print(f"{len(INDICES)} images, probabilities differ by at most {largest:.1e}")


if __name__ == "__main__":
    main(*sys.argv[1:])
