"""The model and data of a run, restored from its folder or from a checkpoint alone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from perceptron.composition.building.data import build_data
from perceptron.composition.building.model import identity, model_for
from perceptron.composition.building.own_parts import is_own_data, is_own_model
from perceptron.composition.stored.config_file import config_to_read, may_download, trusted
from perceptron.data import TableDataModule, TableSchema, offline
from perceptron.errors import UsageError
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
        own_data: the user's data module that it was trained on; None for a table of this project.
    """

    config: DictConfig
    schema: TableSchema
    model: TaskModule
    checkpoint: Path
    step: int
    members: Sequence[Mapping[str, Any]] = ()
    downloads: bool = True
    own_data: str | None = None

    def check_table(self) -> None:
        """Check that raw rows can be given to the model.

        Raises:
            UsageError: where a user's data module has prepared its rows, in a way that is not known.
        """
        if self.own_data is not None:
            raise UsageError(
                f"raw rows are for models that were trained on a table of this project, got one of {self.own_data}, "
                "which prepares its rows itself; call TaskModule.load_from_checkpoint and give the model such rows"
            )

    @property
    def answers(self) -> Answers:
        """The model that takes raw rows.

        Raises:
            UsageError: see ``check_table``.
        """
        self.check_table()
        schema = self.schema
        return Answers(self.model, feature_offsets=schema.feature_offsets, target_offsets=schema.target_offsets).eval()


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A checkpoint with its configuration, before anything is built of it.

    Attributes:
        config: the run's configuration, with overrides, typed and checked.
        contents: of the checkpoint.
        path: of its file.
        downloads: whether its data may be downloaded, see ``may_download``.
    """

    config: DictConfig
    contents: Mapping[str, Any]
    path: Path
    downloads: bool

    @property
    def step(self) -> int:
        """Number of optimizer steps that led to its weights."""
        return int(self.contents.get("global_step", 0))


def read_stored(
    source: str | Path, *, checkpoint: str = "best", overrides: Sequence[str] = (), trust: Collection[str] = ()
) -> Stored:
    """Read a run's checkpoint and its configuration; see ``restore`` for the arguments and what is raised."""
    source = Path(source)
    path = checkpoint_path(Run(source), checkpoint) if source.is_dir() else source
    contents = read_checkpoint(path)
    embedded = trusted(stored_config(contents, where=str(path)), where=str(path), trust=trust)
    config = config_to_read(source, embedded, overrides=overrides, trust=trust)
    downloads = may_download(config, overrides=overrides, trust=trust)
    return Stored(config=config, contents=contents, path=path, downloads=downloads)


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
        UsageError: if there is no such run, it is damaged, it names code that is not on the allow-list, or its model is
            a user's LightningModule.
    """
    return restored(read_stored(source, checkpoint=checkpoint, overrides=overrides, trust=trust))


def restored(stored: Stored) -> Restored:
    """The model of a checkpoint that was read.

    Raises:
        UsageError: if it is a user's LightningModule, or does not fit the weights.
    """
    config, contents, where = stored.config, stored.contents, str(stored.path)
    if is_own_model(config.model):
        target = config.model._target_
        raise UsageError(
            f"this is for this project's models, got a {target} in {where}; perceptron evaluate and resume take it, "
            f"and in Python {target.rpartition('.')[2]}.load_from_checkpoint"
        )
    schema = stored_schema(contents, where=where)
    members = stored_members(contents, where=where)
    model = empty_model(config, schema)
    load_state(model, contents, where=where)
    return Restored(
        config=config,
        schema=schema,
        model=model.eval(),
        checkpoint=stored.path,
        step=stored.step,
        members=members,
        downloads=stored.downloads,
        own_data=config.data._target_ if is_own_data(config.data) else None,
    )


def restore_data(restored: Restored) -> TableDataModule:
    """Read the data of a restored run; its columns and classes are those that the model was trained on.

    Raises:
        UsageError: if the table, which an override may have changed, lacks columns or classes of the model; or the data
            module is a user's.
    """
    restored.check_table()
    with offline(not restored.downloads):
        return build_data(restored.config.data, restored.schema, looks=False)


def read_data(folder: Path, *, overrides: Sequence[str] = (), trust: Collection[str] = ()) -> TableDataModule:
    """Read the data of a run whose model is not stored: of an estimator of scikit-learn.

    Args:
        folder: of the run.
        overrides: see ``restore``.
        trust: see ``restore``.

    Raises:
        UsageError: if the configuration is damaged or names what is not on the allow-list, or the data cannot be read.
    """
    config = config_to_read(folder, {}, overrides=overrides, trust=trust)
    with offline(not may_download(config, overrides=overrides, trust=trust)):
        return build_data(config.data, looks=False)


def empty_model(config: DictConfig, schema: TableSchema) -> TaskModule:
    """A model of the right shape, whose weights and standardisation are still to be loaded."""
    is_regression = schema.task == REGRESSION.name
    model = model_for(
        config,
        schema=schema,
        features_scaling=identity(schema.n_features),
        target_scaling=identity(len(schema.target_names)) if is_regression else None,
        chosen={},
    )
    to_stored_precision(model, config.trainer.precision)
    return model
