"""Where training starts: anew, or from a checkpoint, whose optimizer and schedule go on with what they have stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch.optim import Optimizer

from perceptron.composition.settings.combinations import OF_FIXED_LENGTH
from perceptron.composition.settings.overrides import CONF_DIR
from perceptron.data import TableSchema
from perceptron.errors import UsageError
from perceptron.models import TaskModule
from perceptron.runs.checkpoints.checkpoint_file import load_state, read_checkpoint
from perceptron.runs.checkpoints.metadata import stored_config, stored_schema
from perceptron.runs.checkpoints.optimizer_states import check_states
from perceptron.runs.checkpoints.resume_point import check_best_paths, check_point, resume_point, steps_taken
from perceptron.runs.folder import Run, checkpoint_path


@dataclass(frozen=True)
class Start:
    """A checkpoint to start from.

    Attributes:
        path: of its file.
        schema: what the columns mean to its model.
        checkpoint: its contents.
    """

    path: str
    schema: TableSchema
    checkpoint: Mapping[str, Any]

    @property
    def steps(self) -> int:
        """Optimizer steps that are behind it."""
        return int(self.checkpoint["global_step"])

    @property
    def steps_taken(self) -> int:
        """Optimizer steps of its epoch that are behind it."""
        return steps_taken(self.checkpoint)

    def load(self, model: TaskModule) -> None:
        """Load its weights.

        Raises:
            UsageError: where it is none of such a model.
        """
        load_state(model, self.checkpoint, where=self.path)

    def check_states(self, optimizer: Optimizer, schedule: Mapping[str, Any] | None) -> None:
        """Check that a new optimizer and schedule, in Lightning's form, can take up what it has stored of them.

        Raises:
            UsageError: where they cannot.
        """
        check_states(self.checkpoint, optimizer, schedule and schedule["scheduler"], where=self.path)


def starting_point(config: Mapping[str, Any]) -> Start | None:
    """What ``ckpt_path`` names, which may be a run's folder; None to start anew.

    Args:
        config: plain configuration.

    Raises:
        UsageError: where the folder has no checkpoint to go on from, or it cannot be read; and of a training for
            settings that would have no effect, see ``_check``.
    """
    if config["ckpt_path"] is None:
        return None
    path = _file(Path(config["ckpt_path"]), goes_on=config["train"])
    checkpoint = read_checkpoint(path)
    if config["train"]:
        _check(config, checkpoint, where=path)
    return Start(path, stored_schema(checkpoint, where=path), checkpoint)


def _file(path: Path, *, goes_on: bool) -> str:
    if not path.is_dir():
        return str(path)
    run = Run(path)
    found = resume_point(run) if goes_on else checkpoint_path(run, "best")
    if found is None:
        raise UsageError(f"ckpt_path must be a run with a checkpoint to go on from, got {path}; leave ckpt_path out")
    return str(found)


def _check(config: Mapping[str, Any], checkpoint: Mapping[str, Any], *, where: str) -> None:
    """Refuse another optimizer or schedule than the checkpoint's, or another of their settings: its own go on.

    And a schedule that knows its length, where that were another; and an end that is behind the checkpoint.
    """
    check_point(checkpoint, max_epochs=config["trainer"]["max_epochs"], where=where)
    check_best_paths(checkpoint, Path(config["paths"]["output_dir"]), where=where)
    stored = stored_config(checkpoint, where=where)
    for group in ("optimizer", "scheduler", "trainer"):
        if not isinstance(stored.get(group), Mapping):
            raise UsageError(f"a checkpoint's configuration must have {group}, got none in {where}; name another")
    for group in ("optimizer", "scheduler"):
        before, now = stored[group], config[group]
        for name in (name for name in now if name in before and now[name] != before[name]):
            setting, kept, typed = f"{group}.{name}", before[name], now[name]
            if name == "_target_":
                setting, kept, typed = group, _option(group, kept), _option(group, typed)
            raise UsageError(
                f"training goes on with the checkpoint's {group}, {setting}={kept} in {where}, got {setting}={typed}; "
                f"set {setting}={kept}, or train anew without the checkpoint"
            )
    lengths = [part["trainer"].get(name) for part in (stored, config) for name in ("max_epochs", "max_steps")]
    schedule = config["scheduler"]["_target_"]
    if schedule in OF_FIXED_LENGTH and lengths[:2] != lengths[2:]:
        raise UsageError(
            f"a schedule of fixed length cannot be lengthened, got {schedule.rpartition('.')[2]} of "
            f"{lengths[0]} epochs in {where}; train anew with trainer.max_epochs={lengths[2]}"
        )


def _option(group: str, target: Any) -> str:
    """What one types for a class of a group: the option of its name where there is one."""
    name = "none" if target is None else str(target).rpartition(".")[2].lower()
    return name if (CONF_DIR / group / f"{name}.yaml").is_file() else str(target)
