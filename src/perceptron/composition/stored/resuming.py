"""Resuming a stopped run in its folder."""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from perceptron.composition.stored.config_file import config_to_resume, may_download
from perceptron.composition.train import train
from perceptron.data import offline
from perceptron.errors import UsageError
from perceptron.files.containment import check_contained
from perceptron.files.writing import open_no_follow
from perceptron.runs.checkpoints.resume_point import resume_point
from perceptron.runs.folder import Run
from perceptron.tasks import direction_of
from perceptron.terminal.text import DATED, TerminalHandler, VisibleFormatter


def resume(run: Run, *, overrides: Sequence[str] = (), trust: Collection[str] = ()) -> float | None:
    """Continue training from the newest checkpoint, or from the start if there is none yet.

    Args:
        run: finished or unfinished.
        overrides: settings that replace the stored ones, such as ``trainer.max_epochs=200``.
        trust: names of classes that the user adds to the allow-list.

    Returns:
        The best value of the monitored metric.

    Raises:
        UsageError: if there is nothing left to do, or the run cannot be read.
    """
    run = Run(run.folder.resolve())
    if run.is_finished and not overrides:
        raise UsageError(
            f"a run must be unfinished to be resumed, got {run.folder}; set trainer.max_epochs to train it for longer"
        )
    if run.is_ensemble:
        raise UsageError(
            f"an ensemble cannot be trained on, got {run.folder}; resume its members and make it again from them"
        )
    check_contained(run.folder)
    if run.is_estimator:
        raise UsageError(
            f"a scikit-learn fit cannot be resumed, got {run.folder}; delete it and type its command again"
        )
    cfg = config_to_resume(run, overrides=overrides, trust=trust)
    _check_direction(run.config, overrides)
    point = resume_point(run)
    cfg.ckpt_path = None if point is None else str(point)
    downloads = may_download(cfg, overrides=overrides, trust=trust)
    with _log_to(run.folder / f"{cfg.task_name}.log"), offline(not downloads):
        return train(cfg, _chosen_of(run), goes_on=True)


def _check_direction(stored: Mapping[str, Any], overrides: Sequence[str]) -> None:
    """Refuse a direction that an earlier version, without the group ``metrics``, guessed for a metric unknown to it."""
    is_said = any(override.startswith("mode=") for override in overrides)
    if "metrics" not in stored and not is_said and direction_of(stored["monitor"]) is None:
        raise UsageError(
            f"mode is required for {stored['monitor']}, whose direction an earlier version guessed; add mode=max if "
            "a larger value is better, or mode=min"
        )


def _chosen_of(run: Run) -> dict[str, str]:
    """Option of each group, as Hydra has stored it in the run's folder; empty if it has not."""
    try:
        return run.choices
    except UsageError:
        return {}


@contextmanager
def _log_to(path: Path) -> Iterator[None]:
    """Append to the run's log, in Hydra's format, and print the messages on the terminal."""
    try:
        text = TextIOWrapper(open_no_follow(path, "ab"), encoding="utf-8", write_through=True)
    except OSError as error:
        raise UsageError(
            f"{path} must be writable, got {error.strerror}; change its permissions or delete it"
        ) from error
    file, terminal = logging.StreamHandler(text), TerminalHandler()
    file.setFormatter(VisibleFormatter(DATED))
    terminal.setFormatter(VisibleFormatter("%(message)s"))
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.INFO)
    for handler in (file, terminal):
        root.addHandler(handler)
    try:
        yield
    finally:
        root.setLevel(level)
        for handler in (file, terminal):
            root.removeHandler(handler)
            handler.close()
        text.close()
