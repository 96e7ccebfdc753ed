"""Drawing the figures of a finished run."""

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from perceptron.callbacks.history import stored_snapshots
from perceptron.composition.building.own_parts import is_own_data, is_own_model
from perceptron.composition.settings.data_paths import path_settings
from perceptron.composition.settings.plain import plain
from perceptron.composition.stored.evaluating import evaluate_on
from perceptron.composition.stored.restore import Restored, read_stored, restore_data, restored
from perceptron.data import TableDataModule
from perceptron.errors import UsageError
from perceptron.files.containment import check_contained
from perceptron.runs.checkpoints.checkpoint_file import read_checkpoint
from perceptron.runs.checkpoints.structure import check_history
from perceptron.runs.epoch_history import read_history
from perceptron.runs.folder import Run
from perceptron.runs.folder_lock import folder_lock
from perceptron.training.changed_data import changed_rows
from perceptron.training.lightning_messages import silence_lightning
from perceptron.training.run_figures import all_or_none, draw_curves_alone, draw_trained

# Relative; a GPU and half precision differ from a CPU by less.
_SAME_LOSS = 0.02


def draw_run(
    run: Run, *, within: Path | None = None, overrides: Sequence[str] = (), trust: Collection[str] = ()
) -> Path:
    """Draw the figures that training with ``figures=end`` draws, in the run's folder; TensorBoard gets none.

    Args:
        run: that is finished.
        within: the sweep that must contain its folder; None if the user has named the folder.
        overrides: settings in Hydra's syntax that say where the data lies now.
        trust: names of classes that the user adds to the allow-list.

    Returns:
        The folder of the figures.

    Raises:
        UsageError: if the run has no figures, cannot be restored, or its data cannot be read or has changed.
    """
    best_epoch = _epoch_of_weights(run)
    check_contained(run.folder, within=within)
    silence_lightning()
    with folder_lock(run.folder), all_or_none(run.folder):
        _draw(run, overrides, trust, best_epoch=best_epoch)
    return run.folder / "figures"


def _epoch_of_weights(run: Run) -> int:
    """The epoch, from 0, whose weights a run reports.

    Raises:
        UsageError: if it is unfinished, an ensemble or of an estimator of scikit-learn, or has not kept its weights.
    """
    rule = "figures need a finished training of a network, got"
    if run.is_estimator:
        raise UsageError(f"{rule} an estimator of scikit-learn in {run.folder}; name another run")
    if run.is_ensemble:
        raise UsageError(f"{rule} an ensemble in {run.folder}; name the run of a member")
    if not run.is_finished:
        raise UsageError(f"{rule} {run.folder}, which is not finished; {run.resume_advice or 'name another run'}")
    end: Any = run.provenance.get("training")
    epoch = end.get("kept_epoch") if isinstance(end, Mapping) else None
    if not isinstance(epoch, int):
        raise UsageError(
            f"{rule} {run.folder}, which has not kept the weights of its best epoch; train with callbacks.checkpoint, "
            "or name another run"
        )
    return epoch


def _draw(run: Run, overrides: Sequence[str], trust: Collection[str], *, best_epoch: int) -> None:
    stored = read_stored(run.folder, overrides=overrides, trust=trust)
    config = plain(stored.config)
    places = {key for key, _ in path_settings(config)} - {"ckpt_path"}
    typed = [override.lstrip("+~").partition("=")[0] for override in overrides]
    if other := [key for key in typed if key not in places]:
        raise UsageError(
            f"figures show a run as it was trained, and take no settings but the places of its files, got {other[0]}; "
            "leave it out"
        )
    curves = read_history(run)
    if is_own_model(stored.config.model) or is_own_data(stored.config.data):
        if not draw_curves_alone(run.folder, curves, best_epoch=best_epoch):
            raise UsageError(
                f"a model or data of your own has curves of what it logs, got nothing logged in {run.folder}; log "
                "train/... and val/... after each epoch"
            )
        return
    snapshots = _snapshots(run.checkpoint("last"))
    model = restored(stored)
    datamodule = restore_data(model)
    if changed := changed_rows(run, datamodule):
        raise UsageError(
            f"figures show the rows that the run was trained and tested on, got {changed}; restore the data"
        )
    _check_loss(run, model, datamodule)
    draw_trained(
        config,
        [],
        model.model,
        datamodule,
        curves=curves,
        snapshots=snapshots,
        best_epoch=best_epoch,
        step=stored.step,
    )


def _check_loss(run: Run, model: Restored, datamodule: TableDataModule) -> None:
    """Check that the model finds on the data what the run has reported, as not every run knows the digest of its data.

    Raises:
        UsageError: where it finds another loss than other devices and precisions make of it.
    """
    for name, found in evaluate_on(model, datamodule, splits=("val", "test")).items():
        reported = run.metrics.get(name)
        # Null where it is undefined; a stranger's file may hold anything.
        if not name.endswith("/loss") or not isinstance(reported, int | float):
            continue
        if not math.isclose(found, reported, rel_tol=_SAME_LOSS):
            raise UsageError(
                f"figures show the rows that the run was trained and tested on, got data with a {name} of {found:.4g}, "
                f"where the run had {reported:.4g}; restore the data"
            )


def _snapshots(checkpoint: Path) -> Mapping[int, Tensor]:
    """The path of the weights, which the last checkpoint has whole."""
    if not checkpoint.is_file():
        return {}
    contents = read_checkpoint(checkpoint)
    check_history(contents, where=str(checkpoint))
    return stored_snapshots(contents)
