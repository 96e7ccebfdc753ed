"""How many threads a step is worth."""

import torch
from joblib import cpu_count
from torch import nn

# Below this many multiply-adds a step is faster on one thread than on two (measured on two cores).
_WORTH_THREADS = 20_000_000
# What torch takes by itself, or what OMP_NUM_THREADS says, by which jobs side by side share the cores.
_AT_FIRST = torch.get_num_threads()


def cores(wanted: int | str) -> int:
    """How many cores a sweep may use at a time.

    Args:
        wanted: a number, or ``auto``: as many threads as torch would take, but no more than a container's share of its
            machine, of which torch does not know.
    """
    return min(_AT_FIRST, cpu_count()) if wanted == "auto" else int(wanted)


def set_threads(wanted: int | str, network: nn.Module, *, rows_per_step: int) -> None:
    """Let torch compute with this many threads.

    Args:
        wanted: a number, or ``auto``: one for small work, which several threads make two to four times slower; else as
            many as torch would take, whatever the job before took.
        network: its parameters times the rows are about the multiply-adds of a step.
        rows_per_step: rows of a batch.
    """
    if wanted != "auto":
        torch.set_num_threads(int(wanted))
        return
    work = rows_per_step * sum(parameter.numel() for parameter in network.parameters())
    torch.set_num_threads(1 if work < _WORTH_THREADS else _AT_FIRST)
