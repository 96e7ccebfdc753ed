"""Model and data of a run, from its folder or from a checkpoint alone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig

from perceptron.composition.data import build_data
from perceptron.composition.model import model_for
from perceptron.composition.stored.configuration import typed
from perceptron.composition.stored.trust import check_trusted
from perceptron.data import Scaling, TableDataModule, TableSchema
from perceptron.models import Answers, TaskModule
from perceptron.runs.checkpoint import load_state, read_checkpoint, stored_config, stored_members, stored_schema
from perceptron.runs.folder import Run, checkpoint_path
from perceptron.tasks import REGRESSION


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
    """

    config: DictConfig
    schema: TableSchema
    model: TaskModule
    checkpoint: Path
    step: int
    members: Sequence[Mapping[str, Any]] = ()

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
        config = read_config(Run(source), overrides=overrides, trust=trust)
    else:
        config = typed(embedded, where=str(path), overrides=overrides)
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
    )


def restore_data(restored: Restored) -> TableDataModule:
    """Data module of a restored run, its table read: columns and classes are those that the model was trained on.

    Raises:
        UsageError: where the table, which an override may have changed, has not what the model was trained on.
    """
    return build_data(restored.config.data, restored.schema)


def read_config(run: Run, *, overrides: Sequence[str] = (), trust: Collection[str] = ()) -> DictConfig:
    """Configuration of a run's folder, checked, typed, and with the paths of where the folder lies now.

    Raises:
        UsageError: where it is damaged or names code that is not on the list.
    """
    where = str(run.folder / "config.yaml")
    stored = run.config
    check_trusted(stored, where=where, trust=trust)
    return typed(_moved(stored, run.folder), where=where, overrides=overrides)


def empty_model(config: DictConfig, schema: TableSchema) -> TaskModule:
    """Model of the right shape; the state that follows fills in weights and standardisation."""
    is_regression = schema.task == REGRESSION.name
    return model_for(
        config,
        schema=schema,
        features_scaling=_identity(schema.n_features),
        target_scaling=_identity(len(schema.target_names)) if is_regression else None,
        chosen={},
    )


def _identity(n_columns: int) -> Scaling:
    return Scaling(mean=np.zeros(n_columns), scale=np.ones(n_columns))


def _moved(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The configuration with the paths inside the run's folder where it lies now."""
    paths = config.get("paths")
    old = paths.get("output_dir") if isinstance(paths, dict) else None
    if not isinstance(old, str) or not old:
        return config
    new = str(folder.resolve())

    def moved(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: moved(item) for key, item in value.items()}
        if isinstance(value, list):
            return [moved(item) for item in value]
        inside = isinstance(value, str) and (value == old or value.startswith(f"{old}/"))
        return new + value[len(old) :] if inside else value

    result: dict[str, Any] = moved(config)
    return result
