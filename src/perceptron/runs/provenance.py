"""The provenance of a result: command line, commit, versions, seeds and device."""

import platform
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from perceptron.passwords import without_password
from perceptron.runs.git import git_state
from perceptron.version import VERSION

_PACKAGES = ("torch", "lightning", "torchmetrics", "hydra-core", "scikit-learn", "numpy")


def provenance(
    *,
    seed: int,
    split_seed: int | None,
    chosen: Mapping[str, str],
    device: str,
    threads: int,
    started: str,
    seconds: float,
) -> dict[str, Any]:
    """Command line, git commit, versions, seeds, device, threads and duration.

    Args:
        seed: of the model.
        split_seed: of the split; None for a user's own data.
        chosen: option of each configuration group, such as ``{"model": "logistic"}``.
        device: on which it was trained.
        threads: number of threads in torch, which determines the order of sums.
        started: time, in ISO 8601.
        seconds: duration of the run.
    """
    return {
        "command": [without_password(text) for text in sys.argv],
        "git": _git_state(),
        "versions": _versions(),
        "platform": platform.platform(),
        "seed": seed,
        "split_seed": split_seed,
        "chosen": dict(chosen),
        "device": device,
        "threads": threads,
        "started": started,
        "seconds": round(seconds, 3),
    }


@cache
def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), "perceptron": VERSION} | {name: version(name) for name in _PACKAGES}


@cache
def _git_state() -> dict[str, Any] | None:
    """State of this project's repository when first asked; None without one."""
    return git_state(Path(__file__).parent)
