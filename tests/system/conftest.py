"""Fixtures of the tests of whole commands."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from perceptron.composition import command_line
from perceptron.composition.sweeps import time_limit


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, Path]]:
    """Run ``train.py -m`` in this process; its exit status and the sweep's folder."""

    def run(*arguments: str) -> tuple[int, Path]:
        # A sweep that goes on has the folder that it had.
        place = [] if "sweep.resume" in arguments[0] else [f"paths.log_dir={tmp_path}"]
        monkeypatch.setattr(sys, "argv", ["train.py", "-m", *arguments, *place])
        status = 0
        try:
            command_line.main()
        except SystemExit as end:
            status = int(end.code or 0)
        return status, max(tmp_path.glob("*/multiruns/*"), default=tmp_path)

    return run


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The clock of sweeps: an hour passes whenever a job is finished."""

    class Clock:
        @staticmethod
        def time() -> float:
            return 3600.0 * sum(1 for _ in tmp_path.glob("*/multiruns/*/*/metrics.json"))

    monkeypatch.setattr(time_limit, "time", Clock)
