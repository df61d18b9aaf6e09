"""Makes the table from the lines that the peers print."""

import collections
import dataclasses
import itertools
import statistics
from collections.abc import Callable

OURS = "fmnist"
TRAIN_IMAGES, TEST_IMAGES = 60_000, 10_000
# A row is void if its best accuracy is more than this below the median of the peers.
TOLERANCE = 0.005


def forward_flop(sizes):
    return 2 * sum(inputs * outputs for inputs, outputs in itertools.pairwise(sizes))


def epoch_flop(sizes):
    """FLOP of an epoch: forward, weight gradients, and input gradients except the first layer's."""
    return TRAIN_IMAGES * (3 * forward_flop(sizes) - forward_flop(sizes[:2]))


@dataclasses.dataclass(frozen=True)
class Measure:
    """One figure of a line: a list of samples, or their quantiles."""

    key: str
    title: str
    unit: str
    seconds: float
    flop: Callable | None = None

    def minimum(self, line):
        figure = line[self.key]
        return figure["min"] if isinstance(figure, dict) else min(figure)

    def median(self, line):
        figure = line[self.key]
        return figure["median"] if isinstance(figure, dict) else statistics.median(figure)


MEASURES = {
    "train": [Measure("epoch_seconds", "epoch", "s", 1, epoch_flop)],
    "infer": [
        Measure(
            "infer_10000_ms",
            "10,000 images",
            "ms",
            1e-3,
            lambda sizes: TEST_IMAGES * forward_flop(sizes),
        ),
        Measure("infer_1_us", "one image", "µs", 1e-6),
    ],
    "checkpoint": [Measure("save_ms", "save", "ms", 1e-3), Measure("load_ms", "load", "ms", 1e-3)],
}


def table(sections, results, gflops):
    """One row per peer: the minimum of all samples, the median of the passes' medians, and more."""
    rows = [
        "| task | library | threads | minimum | median | times ours | % of FMA peak | test accuracy |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for section in sections:
        peers = collections.defaultdict(list)
        for line in results[section.title]:
            peers[f"{line['peer']} {line['version']}", line["threads"]].append(line)
        for measure in MEASURES[section.task]:
            title = f"{section.title}: {measure.title}"
            rows += measure_rows(title, section, measure, peers, gflops[str(section.threads)])
    return "\n".join(rows) + "\n"


def measure_rows(title, section, measure, peers, gflops):
    sizes = [784, *map(int, section.hidden.split(",")), 10]
    minimum = {peer: min(map(measure.minimum, lines)) for peer, lines in peers.items()}
    ours = next((minimum[peer] for peer, lines in peers.items() if lines[0]["peer"] == OURS), None)
    for (name, threads), lines in sorted(peers.items(), key=lambda item: minimum[item[0]]):
        least = minimum[name, threads]
        median = f"{statistics.median(map(measure.median, lines)):.3g}"
        if measure.key == "infer_1_us":
            median += f" (p99 {statistics.median(line[measure.key]['p99'] for line in lines):.3g})"
        ratio = f"{least / ours:.2f}" if ours else ""
        share = ""
        if measure.flop:
            reached = measure.flop(sizes) / (least * measure.seconds) / 1e9
            share = f"{reached / gflops:.0%}"
        accuracy = ""
        if section.task == "train":
            accuracy = f"{statistics.median(line['test_accuracy'] for line in lines):.4f}"
            if void(lines, peers):
                ratio, share = "void", ""
        least = f"{least:.3g} {measure.unit}"
        cells = [title, name, threads, least, median, ratio, share, accuracy]
        yield f"| {' | '.join(map(str, cells))} |"
        title = ""


def void(lines, peers):
    """Whether the row of `lines` learns worse than the others.

    Its best pass counts. At a constant learning rate, the accuracy of a run varies by a point between
    epochs, so a single pass decides nothing.
    """
    if len(lines) == 1:
        return False
    others = [
        statistics.median(line["test_accuracy"] for line in rest)
        for rest in peers.values()
        if rest[0]["peer"] != OURS
    ]
    return max(line["test_accuracy"] for line in lines) < statistics.median(others) - TOLERANCE


def heading(about):
    machine, peak = about["machine"], about["peak"]
    gflops = " and ".join(f"{value:.0f} on {threads}" for threads, value in peak["gflops"].items())
    return f"""# Peers, {about["date"]}

- Command: `{about["command"]}`, at {about["commit"]}
- Machine: {machine["cpu"]}, {machine["cores"]} cores, {machine["system"]}, {machine["rustc"]}
- Instruction sets: {" ".join(machine["flags"])}
- FMA peak, {peak["isa"]}, in GFLOP/s by threads: {gflops}

"""
