"""The golden samples of src/held_out.rs, from section 3 of nn-io's FORMAT.md: python3 held_out.py"""

import contextlib
import runpy
from fractions import Fraction
from pathlib import Path

RNG = Path(__file__).resolve().parents[3] / "nn-core/tests/reference/rng.py"
with contextlib.redirect_stdout(None):
    rng = runpy.run_path(str(RNG))


def quotas(counts, n):
    total = sum(counts.values())
    shares = {label: Fraction(n * count, total) for label, count in counts.items()}
    quotas = {label: int(share) for label, share in shares.items()}
    ranked = sorted(counts, key=lambda label: (quotas[label] - shares[label], label))
    for label in ranked[: n - sum(quotas.values())]:
        quotas[label] += 1
    kept = {label: counts[label] - quotas[label] for label in counts}
    while total - n >= len(counts) and 0 in kept.values():
        empty = min(label for label in kept if kept[label] == 0)
        most = min(kept, key=lambda label: (-kept[label], label))
        kept[empty] += 1
        kept[most] -= 1
    return {label: counts[label] - kept[label] for label in counts}


def stratified(labels, n, seed):
    words, order = rng["chacha8_words"](seed, 5, 0), list(range(len(labels)))
    for i in range(len(labels) - 1, 0, -1):
        j = rng["below"](words, i + 1)
        order[i], order[j] = order[j], order[i]
    left = quotas({label: labels.count(label) for label in sorted(set(labels))}, n)
    held_out = []
    for i in order:
        if left[labels[i]] > 0:
            left[labels[i]] -= 1
            held_out.append(i)
    return sorted(held_out)


values = [i * 617 % 1000 for i in range(1000)]
labels = [0 if v < 640 else 1 if v < 890 else 2 if v < 999 else 3 for v in values]
for seed in (0, 2**64 - 1):
    print(stratified(labels, 12, seed))
# Class 3 would lose its only sample.
print(quotas({0: 1, 1: 5, 2: 6}, 9), quotas({0: 1, 1: 5, 2: 6}, 8))
