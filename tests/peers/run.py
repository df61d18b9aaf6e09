#!/usr/bin/env python3
"""Compares fmnist with other libraries on the same task; see README.md."""

import argparse
import collections
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import re
import shlex
import subprocess
import sys
import tempfile
import venv

import report

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
RELEASE, PEERS_RELEASE = TARGET / "release", TARGET / "peers" / "release"

OURS = "fmnist"
TRAINERS = ["pytorch", "jax_scan", "keras_jax", "sklearn_mlp", "numpy_book", "burn", "candle"]
INFERRERS = ["onnx_infer", "pytorch", "jax_scan", "numpy_book", "burn", "candle"]
RUST = ["burn", "candle"]

# Makes glibc keep up to a gigabyte of freed memory, instead of faulting it in again at every step.
KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(1 << 30), "MALLOC_MMAP_THRESHOLD_": str(1 << 25)}

# Limits a peer to AVX2. A peer without an entry cannot be limited, and is left out with --isa avx2.
AVX2 = {
    OURS: {"FMNIST_ISA": "avx2"},
    "pytorch": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    "jax_scan": {"XLA_FLAGS": "--xla_cpu_max_isa=AVX2"},
    "keras_jax": {"XLA_FLAGS": "--xla_cpu_max_isa=AVX2"},
}


@dataclasses.dataclass(frozen=True)
class Section:
    """One task, and who is measured on it: (peer, threads)."""

    title: str
    task: str
    threads: int
    rows: list
    batch: int = 128
    hidden: str = "128,128"
    epochs: int = 5
    passes: int | None = None


def rows(peers, threads):
    """Everybody on this many threads; the Rust peers on one thread as well, which is often faster."""
    alone = [(peer, 1) for peer in peers if peer in RUST and threads > 1]
    return [(peer, threads) for peer in [OURS, *peers]] + alone


SECTIONS = [
    Section("batch 128, two threads", "train", 2, rows(TRAINERS, 2)),
    Section("batch 128, one thread", "train", 1, rows(TRAINERS, 1)),
    Section("batch 32, two threads", "train", 2, rows(TRAINERS, 2), batch=32),
    Section("batch 1024, two threads", "train", 2, rows(TRAINERS, 2), batch=1024),
    Section(
        "784-1024-1024-1024-10, two threads", "train", 2, [(peer, 2) for peer in [OURS, *TRAINERS]],
        hidden="1024,1024,1024", epochs=1, passes=1,
    ),
    Section("inference, two threads", "infer", 2, rows(INFERRERS, 2)),
    Section("inference, one thread", "infer", 1, rows(INFERRERS, 1)),
    Section("checkpoint", "checkpoint", 1, [(OURS, 1), ("checkpoints", 1)]),
]  # fmt: skip
QUICK = [SECTIONS[0], SECTIONS[5], SECTIONS[7]]


class Runner:
    """Runs a peer or ours on a section, and returns the lines of JSON that it prints."""

    def __init__(self, options, python, directory):
        self.options, self.python, self.directory = options, python, directory
        self.ours_version = text(["git", "describe", "--always", "--dirty"], cwd=ROOT)

    def run(self, peer, threads, section, seed):
        if peer == OURS and section.task == "train":
            return [self.train_ours(threads, section, seed)]
        program = [self.python, "-B", HERE / f"{peer}.py"]
        if section.task == "checkpoint" and peer != OURS:
            return self.lines(peer, program)
        if peer in RUST:
            program = [PEERS_RELEASE / f"peer-{peer}"]
        if peer == OURS:
            program = [PEERS_RELEASE / "peer-ours"]
        arguments = {
            "--threads": threads, "--batch": section.batch, "--hidden": section.hidden,
            "--epochs": section.epochs, "--seed": seed,
        }  # fmt: skip
        lines = self.lines(peer, [*program, section.task, *flatten(arguments)])
        return [line | {"version": self.ours_version} for line in lines] if peer == OURS else lines

    def train_ours(self, threads, section, seed):
        arguments = {
            "--dataset": "fashion-mnist", "--validation": 0, "--decay": 0, "--format": "json",
            "--threads": threads, "--batch-size": section.batch, "--hidden": section.hidden,
            "--epochs": section.epochs + 1, "--seed": seed,
            "--output": self.directory / f"{threads}-{section.batch}-{section.hidden}-{seed}.model",
        }  # fmt: skip
        events = self.lines(OURS, [RELEASE / "fmnist", "train", "--quiet", *flatten(arguments)])
        return {
            "peer": OURS,
            "version": self.ours_version,
            "threads": threads,
            "batch": section.batch,
            "epoch_seconds": [event["seconds"] for event in events if event["event"] == "epoch"][
                1:
            ],
            "test_accuracy": events[-1]["test"]["accuracy"],
        }

    def lines(self, peer, command):
        limits = AVX2[peer] if self.options.isa == "avx2" and peer in AVX2 else {}
        output = text(command, cwd=ROOT, env=os.environ | KEEP_MEMORY | limits)
        return [json.loads(line) for line in output.splitlines() if line.startswith("{")]

    def peak(self):
        """GFLOP/s of multiply-adds by the number of threads."""
        arguments = ["avx2"] if self.options.isa == "avx2" else []
        return json.loads(text([PEERS_RELEASE / "fma-peak", *arguments]))


def text(command, **settings):
    return subprocess.run(
        list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True, **settings
    ).stdout.strip()


def flatten(arguments):
    return [word for pair in arguments.items() for word in pair]


def build(options):
    """Builds ours and the Rust peers, and returns the Python that has the packages."""
    subprocess.run(["cargo", "build", "--release", "-p", "fmnist-cli"], check=True, cwd=ROOT)
    subprocess.run(
        ["cargo", "build", "--release", "--locked", "--target-dir", TARGET / "peers"],
        check=True, cwd=HERE / "rust",
    )  # fmt: skip
    if options.python:
        return options.python
    directory = TARGET / "peers" / "venv"
    python = directory / "bin" / "python"
    if not python.exists():
        venv.create(directory, with_pip=True)
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"], check=True
    )
    return python


def selected(options):
    """The sections and rows that the options select. Ours is in each section that has a peer."""
    for section in QUICK if options.quick else SECTIONS:
        kept = [
            (peer, threads)
            for peer, threads in section.rows
            if options.only.lower() in f"{section.title} {peer}".lower()
            and (options.isa != "avx2" or peer in AVX2)
        ]
        if any(peer != OURS for peer, _ in kept):
            ours = (OURS, section.threads)
            yield dataclasses.replace(section, rows=kept if ours in kept else [ours, *kept])


def measure(runner, sections, passes):
    """Measures everybody in each pass. Returns lines by section, the highest peaks, and failures."""
    results = collections.defaultdict(list)
    peaks = []
    failures = 0
    for number in range(passes):
        peaks.append(runner.peak())
        for section in sections:
            if number >= (section.passes or passes):
                continue
            for peer, threads in section.rows:
                print(
                    f"pass {number + 1}: {section.title}: {peer}, threads {threads}",
                    file=sys.stderr,
                )
                try:
                    results[section.title] += runner.run(peer, threads, section, seed=number)
                except subprocess.CalledProcessError as error:
                    failures += 1
                    print(f"failed: {shlex.join(error.cmd)}", file=sys.stderr)
    gflops = {
        threads: max(peak["gflops"][threads] for peak in peaks) for threads in peaks[0]["gflops"]
    }
    return results, {"isa": peaks[0]["isa"], "gflops": gflops}, failures


def machine():
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
    flags = re.search(r"^flags\s*: (.*)$", cpuinfo, re.M)[1].split()
    return {
        "cpu": re.search(r"^model name\s*: (.*)$", cpuinfo, re.M)[1],
        "cores": os.cpu_count(),
        "flags": [flag for flag in flags if re.match("avx|amx|fma|f16c", flag)],
        "system": platform.platform(),
        "rustc": text(["rustc", "--version"]),
    }


def cpu_name(about):
    """The processor, as part of a file name."""
    return re.sub("[^a-z0-9]+", "-", about["machine"]["cpu"].lower()).strip("-")


def keep(options, about, results, table):
    """Saves the results of a whole run under results/."""
    path = HERE / "results" / f"{about['date']}-{cpu_name(about)}{'-avx2' if options.isa else ''}"
    path.parent.mkdir(exist_ok=True)
    path.with_name(path.name + ".json").write_text(
        json.dumps(about | {"results": results}, indent=1) + "\n"
    )
    path.with_name(path.name + ".md").write_text(report.heading(about) + table)
    print(f"kept as {path}.md and .json", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=3, help="number of passes over everybody")
    parser.add_argument(
        "--only", default="", metavar="SUBSTRING", help="measure only sections or peers whose name contains this"
    )
    parser.add_argument(
        "--quick", action="store_true", help="one pass over three sections, to see that everything runs"
    )
    parser.add_argument(
        "--isa", choices=["avx2"], help="limit ours, and the peers that can be limited, to AVX2"
    )
    parser.add_argument(
        "--python", help="a Python with the packages of requirements.txt, instead of a new environment"
    )
    options = parser.parse_args()

    os.environ.setdefault("FMNIST_DATA_DIR", str(ROOT / "data" / "fashion-mnist"))
    python = build(options)
    sections = list(selected(options))
    with tempfile.TemporaryDirectory() as directory:
        runner = Runner(options, python, pathlib.Path(directory))
        results, peak, failures = measure(runner, sections, 1 if options.quick else options.passes)
    table = report.table(sections, results, peak["gflops"])
    about = {
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "peak": peak,
        "commit": runner.ours_version,
        "command": shlex.join(["tests/peers/run.py", *sys.argv[1:]]),
    }
    print(report.heading(about) + table)
    if not (options.quick or options.only or failures):
        keep(options, about, results, table)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
