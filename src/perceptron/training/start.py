"""The checkpoint that training starts from, whose optimizer and schedule continue from their stored state."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
from torch.optim import Optimizer

from perceptron.data import TableSchema
from perceptron.errors import UsageError
from perceptron.runs.checkpoints.checkpoint_file import load_state, read_checkpoint
from perceptron.runs.checkpoints.metadata import stored_schema
from perceptron.runs.checkpoints.optimizer_states import check_states
from perceptron.runs.checkpoints.resume_point import check_best_paths, check_point, resume_point
from perceptron.runs.folder import Run, checkpoint_path


@dataclass(frozen=True)
class Start:
    """A checkpoint to start from.

    Attributes:
        path: of its file.
        checkpoint: its contents.
    """

    path: str
    checkpoint: Mapping[str, Any]

    @property
    def schema(self) -> TableSchema:
        """What the columns mean to its model.

        Raises:
            UsageError: where it does not say.
        """
        return stored_schema(self.checkpoint, where=self.path)

    @property
    def epoch(self) -> int:
        """The epoch, from 0, that training goes on with."""
        return int(self.checkpoint["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"])

    @property
    def steps(self) -> int:
        """Optimizer steps before it."""
        return int(self.checkpoint["global_step"])

    def load(self, model: L.LightningModule) -> None:
        """Load its weights.

        Raises:
            UsageError: where they do not fit the model.
        """
        load_state(model, self.checkpoint, where=self.path)

    def check_states(self, optimizer: Optimizer, schedule: Mapping[str, Any] | None) -> None:
        """Check that a new optimizer and schedule, in Lightning's form, can load its states.

        Raises:
            UsageError: where they cannot.
        """
        check_states(self.checkpoint, optimizer, schedule and schedule["scheduler"], where=self.path)


def starting_point(config: Mapping[str, Any]) -> Start | None:
    """The checkpoint that ``ckpt_path`` names, or the one of the run's folder that it names; None to start anew.

    Args:
        config: plain configuration.

    Raises:
        UsageError: where the folder has no checkpoint to go on from, or it cannot be read; or, in training,
            where it belongs to another run or its training is complete.
    """
    if config["ckpt_path"] is None:
        return None
    path = _file(config["ckpt_path"], goes_on=config["train"])
    checkpoint = read_checkpoint(path)
    if config["train"]:
        check_point(checkpoint, max_epochs=config["trainer"]["max_epochs"], where=path)
        check_best_paths(checkpoint, Path(config["paths"]["output_dir"]), where=path)
    return Start(path, checkpoint)


def _file(path: str, *, goes_on: bool) -> str:
    if not Path(path).is_dir():
        return path
    run = Run(Path(path))
    found = resume_point(run) if goes_on else checkpoint_path(run, "best")
    if found is None:
        raise UsageError(f"ckpt_path must be a run with a checkpoint to go on from, got {path}; leave ckpt_path out")
    return str(found)
