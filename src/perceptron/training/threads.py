"""Choose the number of threads that torch computes with."""

import torch
from joblib import cpu_count
from torch import nn

# Below this many multiply-adds a step is faster on one thread than on two (measured on two cores).
_WORTH_THREADS = 20_000_000
# torch's own choice, or that of OMP_NUM_THREADS, by which jobs side by side share the cores.
_AT_FIRST = torch.get_num_threads()


def cores(wanted: int | str) -> int:
    """Number of cores that a sweep may use at a time.

    Args:
        wanted: a number, or ``auto``: as many threads as torch would take, but no more than a container's share of its
            machine, which torch does not know.
    """
    return min(_AT_FIRST, cpu_count()) if wanted == "auto" else int(wanted)


def set_threads(wanted: int | str, network: nn.Module, *, rows_per_step: int | None) -> None:
    """Set the number of threads that torch computes with.

    Args:
        wanted: a number, or ``auto``: one for small steps, which several threads make two to four times slower; else as
            many as torch would take.
        network: its parameters times the rows are about the multiply-adds of a step.
        rows_per_step: rows of a batch; None where it is not known, for torch's own choice.
    """
    if wanted != "auto":
        torch.set_num_threads(int(wanted))
        return
    weights = sum(parameter.numel() for parameter in network.parameters())
    is_small = rows_per_step is not None and rows_per_step * weights < _WORTH_THREADS
    torch.set_num_threads(1 if is_small else _AT_FIRST)
