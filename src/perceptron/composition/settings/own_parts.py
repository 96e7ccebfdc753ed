"""Which targets of ``model`` and ``data`` are a user's own parts of Lightning. Imports a user's module alone."""

from functools import cache
from typing import Any

from hydra.utils import get_object

# By name, so that torch is not imported for this project's targets: the base that makes a class one of Lightning, and
# this project's base, whose subclasses are built as this project's parts are.
_BASES = {
    "model": ("lightning.pytorch.core.module.LightningModule", "perceptron.models.task_module.TaskModule"),
    "data": ("lightning.pytorch.core.datamodule.LightningDataModule", "perceptron.data.datamodule.TableDataModule"),
}
# What a user's LightningModule is given where its constructor takes it and the settings leave it out.
PASSED_TO_MODELS = ("n_features", "n_outputs", "n_classes", "n_targets", "optimizer", "scheduler")
# The one default of this project's data that a user's data module gets where it takes it.
KEPT = ("seed",)


def is_own_part(group: str, target: Any) -> bool:
    """Whether a target is a LightningModule or a LightningDataModule that is not this project's.

    Args:
        group: ``model`` or ``data``; False for any other.
        target: dotted name of a class; False for what cannot be imported, which is reported when it is built.
    """
    is_foreign = isinstance(target, str) and not target.startswith(("perceptron.", "lightning."))
    return group in _BASES and is_foreign and _has_bases(target, *_BASES[group])


@cache
def _has_bases(target: str, base: str, known: str) -> bool:
    try:
        bases = {f"{each.__module__}.{each.__qualname__}" for each in get_object(target).__mro__}
    # Whatever importing a user's module raises.
    except Exception:
        return False
    return base in bases and known not in bases
