"""Model and data of a run, from its folder or from a checkpoint alone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig

from perceptron.composition.building.data import build_data
from perceptron.composition.building.model import model_for
from perceptron.composition.settings.plain import plain
from perceptron.composition.stored.allow_list import check_trusted
from perceptron.composition.stored.configuration import typed
from perceptron.composition.stored.write_paths import check_paths
from perceptron.data import Scaling, TableDataModule, TableSchema, offline
from perceptron.models import Answers, TaskModule
from perceptron.runs.checkpoints.checkpoint_file import load_state, read_checkpoint
from perceptron.runs.checkpoints.metadata import stored_config, stored_members, stored_schema
from perceptron.runs.folder import Run, checkpoint_path
from perceptron.tasks import REGRESSION
from perceptron.training.precision import to_stored_precision


@dataclass(frozen=True, kw_only=True)
class Restored:
    """A trained model and what it was trained on.

    Attributes:
        config: the run's configuration, with overrides, typed and checked.
        schema: what the columns mean that the model was trained on.
        model: with the checkpoint's weights and standardisation, ready to predict, on the CPU.
        checkpoint: where the weights come from.
        step: number of optimizer steps behind them.
        members: of an ensemble, see ``stored_members``; empty for a single model.
        downloads: whether its data may be downloaded, see ``may_download``.
    """

    config: DictConfig
    schema: TableSchema
    model: TaskModule
    checkpoint: Path
    step: int
    members: Sequence[Mapping[str, Any]] = ()
    downloads: bool = True

    @property
    def answers(self) -> Answers:
        """The model for raw rows."""
        schema = self.schema
        return Answers(self.model, feature_offsets=schema.feature_offsets, target_offsets=schema.target_offsets).eval()


def restore(
    source: str | Path,
    *,
    checkpoint: str = "best",
    overrides: Sequence[str] = (),
    trust: Collection[str] = (),
) -> Restored:
    """Model of a run; the data is not read.

    Args:
        source: a run's folder, or a checkpoint, which needs nothing beside it.
        checkpoint: of a run's folder: ``best``, what the run reports; ``last``; or the path of a file.
        overrides: settings in Hydra's syntax that replace the stored ones.
        trust: names of classes outside this project that the stored configuration may build.

    Raises:
        UsageError: where there is no such run, it is damaged, or it names code that is not on the list.
    """
    source = Path(source)
    path = checkpoint_path(Run(source), checkpoint) if source.is_dir() else source
    contents = read_checkpoint(path)
    embedded = stored_config(contents, where=str(path))
    check_trusted(embedded, where=str(path), trust=trust)
    if source.is_dir():
        folder, where, stored = source, str(_file(Run(source))), _trusted(Run(source), trust)
    else:
        folder, where, stored = source.parent, str(path), embedded
    config = typed(_read_only(stored, folder), where=where, overrides=overrides, trains=False)
    schema = stored_schema(contents, where=str(path))
    members = stored_members(contents, where=str(path))
    model = empty_model(config, schema)
    load_state(model, contents, where=str(path))
    return Restored(
        config=config,
        schema=schema,
        model=model.eval(),
        checkpoint=path,
        step=int(contents.get("global_step", 0)),
        members=members,
        downloads=may_download(config, overrides=overrides, trust=trust),
    )


def restore_data(restored: Restored) -> TableDataModule:
    """Data module of a restored run, its table read: columns and classes are those that the model was trained on.

    Raises:
        UsageError: where the table, which an override may have changed, has not what the model was trained on.
    """
    with offline(not restored.downloads):
        return build_data(restored.config.data, restored.schema, looks=False)


def read_config(run: Run, *, overrides: Sequence[str] = (), trust: Collection[str] = ()) -> DictConfig:
    """Configuration of a run's folder, checked, typed, and with the paths of where the folder lies now.

    Raises:
        UsageError: where it is damaged, names code that is not on the list, or would write outside the folder.
    """
    where = str(_file(run))
    stored = _moved(_trusted(run, trust), run.folder)
    check_paths(stored, run.folder, where=where, trust=[*trust, *_keys(overrides)])
    return typed(stored, where=where, overrides=overrides)


def may_download(config: DictConfig, *, overrides: Sequence[str], trust: Collection[str]) -> bool:
    """Whether data may be downloaded: not where a file alone names the data set.

    Args:
        config: with the overrides.
        overrides: of the command.
        trust: what the user admits; a data set among it may be downloaded.
    """
    is_typed = not {"data", "data.dataset", "data.dataset._target_"}.isdisjoint(_keys(overrides))
    return is_typed or plain(config.data)["dataset"].get("_target_") in trust


def _keys(overrides: Sequence[str]) -> list[str]:
    """Settings that take another value; a dictionary may leave a part of what was there."""
    pairs = (override.lstrip("+~").partition("=") for override in overrides)
    return [key for key, _, value in pairs if not value.startswith("{")]


def _trusted(run: Run, trust: Collection[str]) -> dict[str, Any]:
    stored = run.config
    check_trusted(stored, where=str(_file(run)), trust=trust)
    return stored


def _file(run: Run) -> Path:
    return run.folder / "config.yaml"


def _read_only(config: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The configuration without what writes files, for commands that only read."""
    silent = dict(config) | {"callbacks": {}, "logger": {}}
    for group, own in (
        ("trainer", {"default_root_dir": None, "profiler": None}),
        ("paths", {"output_dir": str(folder.resolve())}),
    ):
        if isinstance(config.get(group), Mapping):
            silent[group] = {**config[group], **own}
    return silent


def empty_model(config: DictConfig, schema: TableSchema) -> TaskModule:
    """Model of the right shape; the state that follows fills in weights and standardisation."""
    is_regression = schema.task == REGRESSION.name
    model = model_for(
        config,
        schema=schema,
        features_scaling=_identity(schema.n_features),
        target_scaling=_identity(len(schema.target_names)) if is_regression else None,
        chosen={},
    )
    to_stored_precision(model, config.trainer.precision)
    return model


def _identity(n_columns: int) -> Scaling:
    return Scaling(mean=np.zeros(n_columns), scale=np.ones(n_columns))


def _moved(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The configuration with the paths inside the run's folder where it lies now."""
    paths = config.get("paths")
    old = paths.get("output_dir") if isinstance(paths, dict) else None
    if not isinstance(old, str) or not old:
        return config
    new = str(folder.resolve())
    # The database of a search lies in the sweep's folder, beside the run's.
    database, its_new = (f"sqlite:///{Path(run).parent}/" for run in (old, new))

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: renamed(item) for key, item in value.items()}
        if isinstance(value, list):
            return [renamed(item) for item in value]
        if isinstance(value, str) and value.startswith(database):
            return its_new + value[len(database) :]
        inside = isinstance(value, str) and (value == old or value.startswith(f"{old}/"))
        return new + value[len(old) :] if inside else value

    result: dict[str, Any] = renamed(config)
    return result
