#!/usr/bin/env python3
"""Measures how an epoch's cost grows with batch size, width, depth and threads; see README.md."""

import datetime
import json
import os
import pathlib
import subprocess
import tempfile

import report
import run

THREADS = [1, 2]
# (what varies, its values, and the batch size and hidden layers for a value)
AXES = [
    ("batch size", [1, 4, 16, 64, 128, 256, 1024, 4096], lambda size: (size, [128, 128])),
    ("width of 2 hidden layers", [32, 64, 128, 256, 512, 1024, 2048], lambda n: (128, [n, n])),
    ("hidden layers of 128", [1, 2, 4, 8], lambda depth: (128, [128] * depth)),
]  # fmt: skip
# From this width on, one epoch is long enough to be measured.
WIDE = 1024


def epoch_seconds(directory, threads, batch, hidden):
    """The fastest of three epochs (a single one for wide networks), including its durable save."""
    arguments = {
        "--dataset": "fashion-mnist", "--validation": 0, "--decay": 0, "--format": "json",
        "--threads": threads, "--batch-size": batch, "--hidden": ",".join(map(str, hidden)),
        "--epochs": 1 if max(hidden) >= WIDE else 3, "--output": directory / "growth.model",
    }  # fmt: skip
    command = [run.RELEASE / "fmnist", "train", "--quiet", *run.flatten(arguments)]
    events = map(json.loads, run.text(command, cwd=run.ROOT).splitlines())
    return min(event["seconds"] for event in events if event["event"] == "epoch")


def rows(directory, gflops):
    columns = "".join(f" {n} thread{'s' * (n > 1)} | GFLOP/s | % of peak |" for n in THREADS)
    yield f"| varied | value | parameters |{columns} gain |"
    yield "|---|--:|--:|" + "--:|" * (3 * len(THREADS) + 1)
    for title, values, settings in AXES:
        for value in values:
            batch, hidden = settings(value)
            sizes = [784, *hidden, 10]
            parameters = sum((n + 1) * m for n, m in zip(sizes, sizes[1:]))
            seconds = [epoch_seconds(directory, n, batch, hidden) for n in THREADS]
            cells = [title, f"{value:,}", f"{parameters:,}"]
            for threads, time in zip(THREADS, seconds):
                reached = report.epoch_flop(sizes) / time / 1e9
                share = reached / gflops[str(threads)]
                cells += [f"{time:.3g} s", f"{reached:.0f}", f"{share:.0%}"]
            yield f"| {' | '.join([*cells, f'{seconds[0] / seconds[-1]:.2f}'])} |"
            title = ""


def main():
    os.environ.setdefault("FMNIST_DATA_DIR", str(run.ROOT / "data" / "fashion-mnist"))
    subprocess.run(["cargo", "build", "--release", "-p", "fmnist-cli"], check=True, cwd=run.ROOT)
    subprocess.run(
        ["cargo", "build", "--release", "--locked", "-p", "fma-peak", "--target-dir", run.TARGET / "peers"],
        check=True, cwd=run.HERE / "rust",
    )  # fmt: skip
    peak = json.loads(run.text([run.PEERS_RELEASE / "fma-peak"]))
    about = {
        "date": datetime.date.today().isoformat(),
        "machine": run.machine(),
        "peak": peak,
        "commit": run.text(["git", "describe", "--always", "--dirty"], cwd=run.ROOT),
        "command": "tests/peers/growth.py",
    }
    lines = [report.heading(about)]
    with tempfile.TemporaryDirectory() as directory:
        for row in rows(pathlib.Path(directory), peak["gflops"]):
            print(row, flush=True)
            lines.append(row + "\n")
    path = run.HERE / "results" / f"growth-{about['date']}-{run.cpu_name(about)}.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(lines).replace("# Peers", "# Growth"))


if __name__ == "__main__":
    main()
