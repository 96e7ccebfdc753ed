"""The settings of a run under flat names, as a dashboard shows them."""

from collections.abc import Mapping
from typing import Any

Setting = bool | int | float | str
# The flags of the trainer that people vary; the others change how it runs, not its results.
_TRAINER = (
    "trainer",
    "trainer.max_epochs",
    "trainer.max_steps",
    "trainer.precision",
    "trainer.accumulate_grad_batches",
    "trainer.gradient_clip_val",
)
# The seed has its own name.
_LEFT_OUT = ("data.seed", "data.num_workers", "data.on_device", "data.eval_batch_size")


def hyper_parameters(config: Mapping[str, Any], chosen: Mapping[str, str | None]) -> dict[str, Setting]:
    """Settings under flat names, typed for a dashboard; those that are not set, or change no number, are left out.

    Args:
        config: plain configuration.
        chosen: option of each group, which stands under the group's name; None for a group without effect.
    """
    flat: dict[str, Setting] = {"seed": config["seed"]}
    for group in ("data", "model", "optimizer", "scheduler", "trainer"):
        option = chosen.get(group, "")
        if option is not None:
            flat |= ({group: option} if option else {}) | _flat(config[group], group)
    flat |= _flat(config.get("extras", {}), "extras")
    return {name: value for name, value in flat.items() if name not in _LEFT_OUT and not _is_machinery(name)}


def _flat(value: Any, name: str) -> dict[str, Setting]:
    if isinstance(value, Mapping):
        parts = (_flat(item, f"{name}.{key}") for key, item in value.items() if not str(key).startswith("_"))
        return {key: item for part in parts for key, item in part.items()}
    if value is None:
        return {}
    return {name: value if isinstance(value, bool | int | float | str) else str(value)}


def _is_machinery(name: str) -> bool:
    return name.startswith("trainer.") and name not in _TRAINER
