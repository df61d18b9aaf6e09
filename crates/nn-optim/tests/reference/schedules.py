"""The numbers of tests/suite/schedules.rs: python3 schedules.py > schedules.txt, with PyTorch 2, in float64.

Each line is a schedule: its name and the learning rates of its first steps, by PyTorch's scheduler of that name;
for inverse_time, by the book's formula. For plateau, each step is an epoch, and LOSSES has its loss.
"""

import warnings

import torch
from torch.optim import lr_scheduler

# PyTorch warns that the optimizer takes no steps.
warnings.simplefilter("ignore")

RATE, STEPS, WARMUP = 0.02, 40, 7

# The losses fall, then have two plateaus, some improvements below min_delta and one a little above it, and then stay
# the same.
LOSSES = [
    *(1.0, 0.8, 0.7, 0.71, 0.695, 0.69, 0.72, 0.5, 0.495, 0.4901, 0.4899, 0.49, 0.6, 0.6, 0.6, 0.6),
    *(0.47, 0.46, 0.47, 0.465, 0.455, 0.45, *[0.45] * (STEPS - 22)),
]


class Book(lr_scheduler.LRScheduler):
    """current_learning_rate of the book's optimizers, chapter 10."""

    def get_lr(self):
        return [rate * (1.0 / (1.0 + 0.1 * self.last_epoch)) for rate in self.base_lrs]


def plateau(patience):
    def make(optimizer):
        # With eps=0, since PyTorch does not reduce a rate by less than eps.
        return lr_scheduler.ReduceLROnPlateau(
            optimizer,
            mode="min",
            factor=0.3,
            patience=patience,
            threshold=0.01,
            threshold_mode="abs",
            eps=0.0,
        )

    return make


SCHEDULES = {
    "constant": lambda it: lr_scheduler.ConstantLR(it, factor=1.0),
    "inverse_time": Book,
    "step": lambda it: lr_scheduler.StepLR(it, step_size=6, gamma=0.3),
    "exponential": lambda it: lr_scheduler.ExponentialLR(it, gamma=0.9),
    "cosine": lambda it: lr_scheduler.CosineAnnealingLR(it, T_max=STEPS, eta_min=0.001),
    "cosine_to_0": lambda it: lr_scheduler.CosineAnnealingLR(it, T_max=STEPS),
    "one_cycle": lambda it: lr_scheduler.OneCycleLR(it, max_lr=RATE, total_steps=STEPS),
    "one_cycle_odd": lambda it: lr_scheduler.OneCycleLR(it, max_lr=RATE, total_steps=STEPS - 1),
    "one_cycle_short": lambda it: lr_scheduler.OneCycleLR(it, max_lr=RATE, total_steps=3),
    "plateau": plateau(patience=2),
    "plateau_at_once": plateau(patience=0),
}


def rates(make, n=STEPS):
    """The rates of the first steps."""
    weights = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    # With a momentum, since OneCycleLR changes it, too.
    optimizer = torch.optim.SGD([weights], lr=RATE, momentum=0.9)
    scheduler = make(optimizer)
    for step in range(n):
        yield optimizer.param_groups[0]["lr"]
        if step + 1 < n:
            by_loss = isinstance(scheduler, lr_scheduler.ReduceLROnPlateau)
            scheduler.step(*([LOSSES[step]] if by_loss else []))


def warmed(make):
    """The same schedule after a warm-up."""

    def both(optimizer):
        rise = lr_scheduler.LinearLR(optimizer, start_factor=1 / WARMUP, total_iters=WARMUP - 1)
        return lr_scheduler.SequentialLR(optimizer, [rise, make(optimizer)], milestones=[WARMUP])

    return both


print("losses", *LOSSES)
for name, make in SCHEDULES.items():
    n = {"one_cycle_odd": STEPS - 1, "one_cycle_short": 3}.get(name, STEPS)
    print(name, *(f"{rate:.17g}" for rate in rates(make, n)))
    # One cycle includes a warm-up, and PyTorch does not support a plateau after another schedule.
    if "cycle" not in name and "plateau" not in name:
        print(f"warmup-{name}", *(f"{rate:.17g}" for rate in rates(warmed(make))))
