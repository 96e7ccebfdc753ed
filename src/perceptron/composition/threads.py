"""How many threads a step is worth."""

import torch
from torch import nn

# Below this many multiply-adds a step is faster on one thread than on two (measured on two cores).
_WORTH_THREADS = 20_000_000
# What torch takes by itself, or what OMP_NUM_THREADS says, by which jobs side by side share the cores.
_AT_FIRST = torch.get_num_threads()


def cores(wanted: int | str) -> int:
    """How many threads large work is given.

    Args:
        wanted: a number, or ``auto``.
    """
    return _AT_FIRST if wanted == "auto" else int(wanted)


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
