"""Where a result comes from."""

import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

from perceptron import __version__

_PACKAGES = ("torch", "lightning", "torchmetrics", "hydra-core", "scikit-learn", "numpy")


def provenance(
    *, seed: int, split_seed: int, chosen: Mapping[str, str], device: str, started: str, seconds: float
) -> dict[str, Any]:
    """Command line, git commit, versions, seeds, device and duration.

    Args:
        seed: seed of the model.
        split_seed: seed of the split.
        chosen: option of each configuration group, such as ``{"model": "logistic"}``.
        device: what it was trained on.
        started: time in ISO 8601.
        seconds: duration.
    """
    return {
        "command": sys.argv,
        "git": _git_state(),
        "versions": _versions(),
        "platform": platform.platform(),
        "seed": seed,
        "split_seed": split_seed,
        "chosen": dict(chosen),
        "device": device,
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
    """Commit and whether files differ from it; None outside a repository. Of the process: its code is loaded once."""
    git = shutil.which("git")
    if git is None:
        return None

    def ask(*arguments: str) -> str | None:
        answer = subprocess.run([git, *arguments], capture_output=True, text=True, check=False)  # noqa: S603
        return answer.stdout.strip() if answer.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    return None if commit is None else {"commit": commit, "dirty": bool(ask("status", "--porcelain"))}
