"""The model and data of a run, restored from its folder or from a checkpoint alone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig

from perceptron.composition.building.data import build_data
from perceptron.composition.building.model import model_for
from perceptron.composition.stored.config_file import config_to_read, may_download, trusted
from perceptron.data import Scaling, TableDataModule, TableSchema, offline
from perceptron.models import Answers, TaskModule
from perceptron.runs.checkpoints.checkpoint_file import load_state, read_checkpoint
from perceptron.runs.checkpoints.metadata import stored_config, stored_members, stored_schema
from perceptron.runs.folder import Run, checkpoint_path
from perceptron.tasks import REGRESSION
from perceptron.training.precision import to_stored_precision


@dataclass(frozen=True, kw_only=True)
class Restored:
    """A trained model and the description of its data.

    Attributes:
        config: the run's configuration, with overrides, typed and checked.
        schema: the columns that the model was trained on.
        model: with the checkpoint's weights and standardisation, ready to predict, on the CPU.
        checkpoint: path of the weights.
        step: number of optimizer steps that led to them.
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
        """The model that takes raw rows."""
        schema = self.schema
        return Answers(self.model, feature_offsets=schema.feature_offsets, target_offsets=schema.target_offsets).eval()


def restore(
    source: str | Path,
    *,
    checkpoint: str = "best",
    overrides: Sequence[str] = (),
    trust: Collection[str] = (),
) -> Restored:
    """Restore the model of a run; the data is not read.

    Args:
        source: a run's folder, or a checkpoint, which needs no other file.
        checkpoint: of a run's folder: ``best``, which the run reports; ``last``; or the path of a file.
        overrides: settings in Hydra's syntax that replace the stored ones.
        trust: names of classes that the user adds to the allow-list.

    Raises:
        UsageError: if there is no such run, it is damaged, or it names code that is not on the allow-list.
    """
    source = Path(source)
    path = checkpoint_path(Run(source), checkpoint) if source.is_dir() else source
    contents = read_checkpoint(path)
    embedded = trusted(stored_config(contents, where=str(path)), where=str(path), trust=trust)
    config = config_to_read(source, embedded, overrides=overrides, trust=trust)
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
    """Read the data of a restored run; its columns and classes are those that the model was trained on.

    Raises:
        UsageError: if the table, which an override may have changed, lacks columns or classes of the model.
    """
    with offline(not restored.downloads):
        return build_data(restored.config.data, restored.schema, looks=False)


def empty_model(config: DictConfig, schema: TableSchema) -> TaskModule:
    """A model of the right shape, whose weights and standardisation are still to be loaded."""
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
