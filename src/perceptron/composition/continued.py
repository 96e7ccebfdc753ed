"""Check the settings of a run that continues from a checkpoint against those that the checkpoint stores."""

from collections.abc import Mapping
from typing import Any

from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.composition.settings.known_targets import FIXED_LENGTH_SCHEDULES
from perceptron.composition.settings.schema import defaults_of_target
from perceptron.errors import UsageError
from perceptron.runs.checkpoints.metadata import stored_config

# Stands in messages for an argument that is not set.
_UNSET = "its default"


def check_continued(config: Mapping[str, Any], checkpoint: Mapping[str, Any], *, where: str) -> None:
    """Check that a run continues with the optimizer and schedule of its checkpoint, whose state it takes up.

    Args:
        config: plain configuration.
        checkpoint: its contents.
        where: path of its file, for error messages.

    Raises:
        UsageError: for another optimizer, another schedule, other settings of either or of the model's loss, or another
            length of a schedule of fixed length.
    """
    stored = stored_config(checkpoint, where=where)
    for group in ("optimizer", "scheduler", "trainer"):
        if not isinstance(stored.get(group), Mapping):
            raise UsageError(f"a checkpoint's configuration must have {group}, got none in {where}; name another")
    for group in ("optimizer", "scheduler"):
        before, now = (_with_defaults(part[group]) for part in (stored, config))
        for name in (name for name in {**before, **now} if before.get(name, _UNSET) != now.get(name, _UNSET)):
            setting, kept, typed = f"{group}.{name}", before.get(name, _UNSET), now.get(name, _UNSET)
            if name == "_target_":
                setting, kept, typed = group, _option(group, kept), _option(group, typed)
            raise UsageError(
                f"training goes on with the checkpoint's {group}, {setting}={kept} in {where}, got {setting}={typed}; "
                f"{'leave it out' if kept == _UNSET else f'set {setting}={kept}'}, or train anew without the checkpoint"
            )
    _check_loss(stored.get("model"), config["model"], where=where)
    lengths = [part["trainer"].get(name) for part in (stored, config) for name in ("max_epochs", "max_steps")]
    schedule = config["scheduler"]["_target_"]
    if schedule in FIXED_LENGTH_SCHEDULES and lengths[:2] != lengths[2:]:
        raise UsageError(
            f"a schedule of fixed length cannot be lengthened, got {schedule.rpartition('.')[2]} of "
            f"{lengths[0]} epochs in {where}; train anew with trainer.max_epochs={lengths[2]}"
        )


def _check_loss(before: Any, now: Mapping[str, Any], *, where: str) -> None:
    """Refuse other settings of the same model: the best epoch so far would be compared by another loss."""
    if not isinstance(before, Mapping) or before.get("_target_") != now["_target_"]:
        return
    for name in {**before, **now}:
        kept, typed = before.get(name, _UNSET), now.get(name, _UNSET)
        # A network's weights fit or not, and a threshold is applied afterwards.
        if name not in ("network", "threshold") and kept != typed:
            raise UsageError(
                f"training goes on with the checkpoint's model, model.{name}={kept} in {where}, got "
                f"model.{name}={typed}; {'leave it out' if kept == _UNSET else f'set model.{name}={kept}'}, or train "
                "anew without the checkpoint"
            )


def _with_defaults(part: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a part and the defaults of those that it leaves out, where this project knows them."""
    return {**defaults_of_target(part.get("_target_")), **part}


def _option(group: str, target: Any) -> str:
    """What one types for a class of a group: the option of its name where there is one."""
    name = "none" if target is None else str(target).rpartition(".")[2].lower()
    return name if (CONF_DIR / group / f"{name}.yaml").is_file() else str(target)
