"""Making one predictor from a sweep's finished runs, in a run folder of its own."""

import json
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from perceptron.composition.settings.plain import plain
from perceptron.composition.stored.allow_list import check_trusted
from perceptron.composition.stored.configuration import typed
from perceptron.composition.stored.restore import Restored, empty_model, restore
from perceptron.data import TableSchema
from perceptron.errors import UsageError
from perceptron.files.writing import write_text
from perceptron.models import BinaryClassifier, MulticlassClassifier, Regressor, TaskModule, take_members
from perceptron.runs.checkpoints.checkpoint_file import AtomicCheckpointIO
from perceptron.runs.checkpoints.metadata import KEY, StoredMetadata
from perceptron.runs.data_identity import data_source, split_settings
from perceptron.runs.folder import ENSEMBLE, Run, find_runs
from perceptron.runs.plain_yaml import as_yaml


@dataclass(frozen=True, kw_only=True)
class Made:
    """An ensemble made from a sweep.

    Attributes:
        folder: of the ensemble.
        n_members: number of runs in it.
        n_left_out: number of unfinished runs.
        n_splits: number of different splits that the members were trained on.
    """

    folder: Path
    n_members: int
    n_left_out: int
    n_splits: int


def make_ensemble(sweep: Path, folder: Path, *, checkpoint: str = "best", trust: Collection[str] = ()) -> Made:
    """Write a run folder whose model predicts the mean of a sweep's finished runs.

    It holds ``config.yaml``, written last, and ``checkpoints/best.ckpt``; the members' folders are no longer needed.

    Args:
        sweep: folder of runs, at any depth; ensembles among them are ignored.
        folder: to be written; it must not hold a run.
        checkpoint: of each member, ``best`` or ``last``.
        trust: names of classes that the user adds to the allow-list.

    Raises:
        UsageError: if there are fewer than two, or they solve different problems.
    """
    if (folder / "config.yaml").exists():
        raise UsageError(f"output must not hold a run yet, got {folder}; delete it or name another")
    runs = [run for run in find_runs(sweep) if not run.is_ensemble]
    finished = [run for run in runs if run.is_finished]
    if len(finished) < 2:
        raise UsageError(
            f"an ensemble needs two finished runs or more, got {len(finished)} in {sweep}; train more, or name a sweep"
        )
    members = [restore(run.folder, checkpoint=checkpoint, trust=trust) for run in finished]
    _check_alike(members)
    for member in members[1:]:
        _use_common_offsets(member, members[0].schema)
    config = _config(members, folder)
    where = str(folder)
    check_trusted(config, where=where, trust=trust)
    model = empty_model(typed(config, where=where, trains=False), members[0].schema)
    take_members(model, [member.model for member in members])
    contents: dict[str, Any] = {
        "state_dict": model.state_dict(),
        "global_step": sum(member.step for member in members),
    }
    StoredMetadata(config=config, schema=members[0].schema).add_to(contents)
    origins: list[dict[str, Any]] = [
        {"run": str(run.folder), "step": member.step, "split": _rows(plain(member.config.data))}
        for run, member in zip(finished, members, strict=True)
    ]
    contents[KEY] = {**contents[KEY], "members": origins}
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        AtomicCheckpointIO().save_checkpoint(contents, Run(folder).checkpoint())
        write_text(folder / "config.yaml", as_yaml(config))
    except BaseException:
        if is_new:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return Made(
        folder=folder,
        n_members=len(members),
        n_left_out=len(runs) - len(finished),
        n_splits=_n_splits([origin["split"] for origin in origins]),
    )


def check_held_out(restored: Restored) -> None:
    """Refuse to score an ensemble on rows that some of its members were trained on.

    Raises:
        UsageError: if members were trained on different rows of the table that the configuration names.
    """
    splits = [member["split"] for member in restored.members]
    n_splits = _n_splits(splits)
    data = plain(restored.config.data)
    if n_splits > 1 and any(data_source(split) == data_source(data) for split in splits):
        raise UsageError(
            "an ensemble must be evaluated on rows that none of its members was trained on, got members with "
            f"{n_splits} splits of this table, where one's test rows are another's training rows; name other data, or "
            "make it of runs that share data.split_seed and data.fold"
        )


def _check_alike(members: Sequence[Restored]) -> None:
    """Refuse members that differ in task, columns, classes or kind of model."""
    first = members[0]
    for member in members:
        member.check_table()
        if type(member.model) not in (BinaryClassifier, MulticlassClassifier, Regressor):
            raise UsageError(
                "an ensemble's members must be a BinaryClassifier, MulticlassClassifier or Regressor, got "
                f"{type(member.model).__name__} in {member.checkpoint}; leave it out"
            )
        for what, own, common in (
            ("task", member.schema.task, first.schema.task),
            ("columns", member.schema.feature_names, first.schema.feature_names),
            ("classes", member.schema.class_names, first.schema.class_names),
            ("targets", member.schema.target_names, first.schema.target_names),
            ("encoding, which follows from the training rows", member.schema.encoding, first.schema.encoding),
            ("kind of model", _kind(member.model), _kind(first.model)),
            ("number of answers", _n_answers(member), _n_answers(first)),
        ):
            if own != common:
                raise UsageError(
                    f"an ensemble's members must share their {what}, got {_short(own)} in {member.checkpoint} and "
                    f"{_short(common)} in {first.checkpoint}; name a folder of runs that do"
                )


def _use_common_offsets(member: Restored, common: TableSchema) -> None:
    """Convert a member to the common offsets of the columns, since each run chooses its own."""
    model, own = member.model, member.schema
    model.standardize.move(own.feature_offsets, to=common.feature_offsets)
    if isinstance(model, Regressor):
        model.standardize_target.move(own.target_offsets, to=common.target_offsets)


def _kind(model: TaskModule) -> str:
    settings = [f"{name}={getattr(model, name)}" for name in ("threshold", "label_smoothing") if hasattr(model, name)]
    if isinstance(model, BinaryClassifier) and model.chooses_threshold:
        settings = ["threshold=auto"]
    return " ".join([type(model).__name__, *settings])


def _n_answers(member: Restored) -> int:
    """Number of predictions that a member makes for a row; a larger number would weigh more in the mean."""
    with torch.inference_mode():
        outputs: torch.Tensor = member.model.network(
            torch.zeros(1, member.schema.n_features, dtype=next(member.model.parameters()).dtype)
        )
    return outputs.shape[1] if outputs.ndim == 3 else 1


def _short(value: Any) -> str:
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _config(members: Sequence[Restored], folder: Path) -> dict[str, Any]:
    """The first member's configuration with all members' networks, and without callbacks and loggers."""
    config = plain(members[0].config)
    # Partial, because the numbers of columns and outputs are known only when the checkpoint is read.
    networks = [{**plain(member.config)["model"]["network"], "_partial_": True} for member in members]
    config["model"] |= {"network": {"_target_": ENSEMBLE, "networks": networks}}
    config["paths"] |= {"output_dir": str(folder.resolve())}
    return config | {"callbacks": {}, "logger": {}, "ckpt_path": None}


def _rows(data: Mapping[str, Any]) -> dict[str, Any]:
    return data_source(data) | split_settings(data)


def _n_splits(splits: Sequence[Mapping[str, Any]]) -> int:
    return len({json.dumps(split, sort_keys=True, default=str) for split in splits})
