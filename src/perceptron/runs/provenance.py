"""Where a result comes from."""

import platform
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from perceptron import __version__
from perceptron.passwords import without_password
from perceptron.runs.git import git_state

_PACKAGES = ("torch", "lightning", "torchmetrics", "hydra-core", "scikit-learn", "numpy")


def provenance(
    *, seed: int, split_seed: int, chosen: Mapping[str, str], device: str, threads: int, started: str, seconds: float
) -> dict[str, Any]:
    """Command line, git commit, versions, seeds, device, threads and duration.

    Args:
        seed: seed of the model.
        split_seed: seed of the split.
        chosen: option of each configuration group, such as ``{"model": "logistic"}``.
        device: what it was trained on.
        threads: that torch computed with: by their number sums are taken in another order.
        started: time in ISO 8601.
        seconds: duration.
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
    return {"python": platform.python_version(), "perceptron": __version__} | {
        name: version(name) for name in _PACKAGES
    }


@cache
def _git_state() -> dict[str, Any] | None:
    """Commit and whether files differ from it; None where the code is in no repository. The code is loaded once."""
    return git_state(Path(__file__).parent)
