"""The metrics of each epoch of a training: ``history.json`` of a finished run, the checkpoint of an unfinished one."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from perceptron.errors import UsageError
from perceptron.files.plain_values import read_values, write_json
from perceptron.runs.folder import Run

_NAME = "history.json"
_EPOCH = "epoch"
# Of the callback perceptron.callbacks.History, in a checkpoint.
_KEY = "history"

# Values by epoch, numbered from 0, under names like ``val/loss``.
Curves = Mapping[str, Mapping[int, float]]


def by_metric(epochs: Iterable[tuple[int, Mapping[str, float]]]) -> Curves:
    """Curves of what was logged in each epoch.

    Args:
        epochs: number of an epoch and its metrics.
    """
    curves: dict[str, dict[int, float]] = {}
    for number, metrics in epochs:
        for name, value in metrics.items():
            curves.setdefault(name, {})[number] = float(value)
    return curves


def write_history(folder: Path, curves: Curves) -> None:
    """Write ``history.json``: epochs, and each metric's values in them, null where it has none.

    Args:
        folder: of the run.
        curves: of its training; nothing is written if there are none.
    """
    epochs = sorted({epoch for values in curves.values() for epoch in values})
    if epochs:
        columns = {name: [values.get(epoch) for epoch in epochs] for name, values in curves.items()}
        write_json(folder / _NAME, {_EPOCH: epochs, **columns}, sync_folder=False)


def read_history(run: Run) -> Curves:
    """Curves of a run; empty if it stored none. Only those of an unfinished run need torch.

    A finished run of an earlier version has no ``history.json``: its curves are those in its last checkpoint.

    Raises:
        UsageError: if the file or the checkpoint cannot be read.
    """
    path = run.folder / _NAME
    if run.is_finished and path.is_file():
        return _from_file(path)
    checkpoint = run.checkpoint("last")
    return _from_checkpoint(checkpoint) if checkpoint.is_file() else {}


def _from_file(path: Path) -> Curves:
    try:
        columns = dict(read_values(path))
        epochs = [int(epoch) for epoch in columns.pop(_EPOCH)]
        return {
            str(name): {
                epoch: math.nan if value is None else float(value) for epoch, value in zip(epochs, values, strict=True)
            }
            for name, values in columns.items()
        }
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise UsageError(
            f"a run's {_NAME} must hold epochs and a value of each metric for each, got {error} in {path}; correct its "
            "permissions, or delete it"
        ) from error


def _from_checkpoint(path: Path) -> Curves:
    # Imported here, because it imports torch.
    from perceptron.runs.checkpoints.checkpoint_file import read_checkpoint
    from perceptron.runs.checkpoints.structure import check_history

    contents = read_checkpoint(path)
    check_history(contents, where=str(path))
    stored = contents.get(_KEY) or {"curves": {}}
    return {
        name: dict(zip(epochs.tolist(), values.tolist(), strict=True))
        for name, (epochs, values) in stored["curves"].items()
    }
