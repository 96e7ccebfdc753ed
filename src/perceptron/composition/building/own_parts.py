"""A user's own LightningModule and LightningDataModule, named by ``_target_``."""

from collections.abc import Mapping
from inspect import Parameter, signature
from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities.model_helpers import is_overridden
from omegaconf import DictConfig, OmegaConf

from perceptron.composition.building.instantiate import instance, target_of
from perceptron.composition.building.optimizer import partial_schedule
from perceptron.composition.settings.own_parts import is_own_part
from perceptron.composition.settings.plain import plain
from perceptron.data import TableSchema
from perceptron.errors import UsageError
from perceptron.randomness import Stream, derive_seed
from perceptron.tasks import BINARY, TASKS


def is_own_model(part: Mapping[str, Any]) -> bool:
    """Whether the group ``model`` names a LightningModule that is not one of this project's."""
    return is_own_part("model", part["_target_"])


def is_own_data(part: Mapping[str, Any]) -> bool:
    """Whether the group ``data`` names a LightningDataModule that is not one of this project's."""
    return is_own_part("data", part["_target_"])


def build_own_data(part: Mapping[str, Any], *, trains: bool) -> L.LightningDataModule:
    """Data module of the group ``data``; Lightning sets it up.

    Args:
        part: the group.
        trains: whether it must have rows to train on.

    Raises:
        UsageError: where it cannot be made of its settings, or has no ``train_dataloader``.
    """
    datamodule: L.LightningDataModule = instance(plain(part), "data")
    if trains and not is_overridden("train_dataloader", datamodule):
        raise UsageError(
            f"data must give batches to train on, got {part['_target_']} without train_dataloader; add this method"
        )
    return datamodule


def build_own_model(
    cfg: Mapping[str, Any], datamodule: L.LightningDataModule, *, known: TableSchema | None = None
) -> L.LightningModule:
    """LightningModule of the group ``model``, its weights drawn from ``seed``.

    Args:
        cfg: the whole configuration, typed or plain.
        datamodule: whose numbers of features and outputs it gets where it takes them.
        known: the columns of a table; None for a user's own data.

    Raises:
        UsageError: where it cannot be made of its settings, or lacks a method that training needs.
    """
    part = plain(cfg["model"])
    torch.default_generator.manual_seed(derive_seed(cfg["seed"], Stream.WEIGHTS))
    takes = _parameters(target_of(part, "model"))
    facts = facts_of(datamodule) if known is None else _of_table(known)
    given = {name: value for name, value in facts.items() if name in takes and name not in part}
    for group in ("optimizer", "scheduler"):
        own = part.get(group)
        if group in takes and isinstance(own, Mapping) and "_target_" not in own:
            raise UsageError(f"model.{group} must be settings with a _target_, got {own}; set {group}.<setting>")
        if group in takes and group not in part:
            settings = plain(cfg[group])
            given[group] = instance(settings, group) if group == "optimizer" else partial_schedule(settings)
    # The parts inside are made first, as Hydra makes them.
    model: L.LightningModule = instance(part, "model", **given)
    for name in ("training_step", "configure_optimizers") if cfg["train"] else ():
        if not is_overridden(name, model):
            raise UsageError(f"model must be a LightningModule with {name}, got {part['_target_']}; add this method")
    return model


def without_effect(cfg: DictConfig, group: str) -> bool:
    """Whether a user's module takes nothing of the group ``optimizer`` or ``scheduler``.

    Args:
        cfg: the whole configuration, typed, with its interpolations.
        group: of the two.
    """
    texts = str(OmegaConf.to_container(cfg.model, resolve=False))
    return f"${{{group}" not in texts and group not in _parameters(target_of(plain(cfg.model), "model"))


def _parameters(kind: Any) -> set[str]:
    """Names that a constructor takes, those included that it hands to its base as ``**settings``."""
    names: set[str] = set()
    for each in kind.__mro__:
        if "__init__" in vars(each):
            own = signature(each.__init__).parameters
            names |= own.keys()
            if not any(parameter.kind is Parameter.VAR_KEYWORD for parameter in own.values()):
                break
    return names


def facts_of(datamodule: L.LightningDataModule) -> dict[str, int]:
    """Whole numbers that a user's data module tells of its rows, by the names of its attributes."""
    found = {name: getattr(datamodule, name, None) for name in ("n_features", "n_classes", "n_targets")}
    facts = {name: value for name, value in found.items() if isinstance(value, int) and value > 0}
    if "n_classes" in facts:
        facts["n_outputs"] = 1 if facts["n_classes"] == 2 else facts["n_classes"]
    elif "n_targets" in facts:
        facts["n_outputs"] = facts["n_targets"]
    return facts


def _of_table(schema: TableSchema) -> dict[str, int]:
    facts = {"n_features": schema.n_features, "n_outputs": schema.n_outputs(TASKS[schema.task])}
    return facts | ({"n_classes": len(schema.class_names)} if schema.class_names else {"n_targets": schema.n_targets})


def own_schema(datamodule: L.LightningDataModule, target: str) -> TableSchema:
    """What a model of this project must know of a user's data, from the attributes of its data module.

    Args:
        datamodule: is set up for training, since it may learn them from its rows.
        target: its class, for messages.

    Raises:
        UsageError: where it does not tell the number of features, or of classes or targets.
    """
    datamodule.prepare_data()
    datamodule.setup("fit")
    facts = facts_of(datamodule)
    missing = "n_features" if "n_features" not in facts else "n_classes" if "n_outputs" not in facts else None
    if missing or facts.get("n_classes") == 1:
        raise UsageError(
            f"a model of this project needs the numbers of features and of classes or targets, got {target} without "
            f"{missing or 'two classes'}; give it the attributes n_features, and n_classes (two or more) or n_targets"
        )
    n_classes = facts.get("n_classes", 0)
    task = "regression" if not n_classes else BINARY.name if n_classes == 2 else "multiclass"
    targets = ("target",) if n_classes or facts["n_targets"] == 1 else _numbered("target", facts["n_targets"])
    return TableSchema(
        task=task,
        feature_names=_numbered("feature", facts["n_features"]),
        class_names=tuple(str(number) for number in range(n_classes)),
        target_names=targets,
    )


def _numbered(name: str, count: int) -> tuple[str, ...]:
    return tuple(f"{name}_{number}" for number in range(count))


def check_batch(datamodule: L.LightningDataModule, schema: TableSchema, target: str) -> None:
    """Check the first batch of training against what this project's models take.

    Args:
        datamodule: set up for training.
        schema: by ``own_schema``.
        target: its class, for messages.

    Raises:
        UsageError: where it has another form.
    """
    # The draws of a loader that is only looked at must not move those of the training.
    with torch.random.fork_rng(devices=[]):
        batch: Any = next(iter(datamodule.train_dataloader()), None)
    columns: list[Any] = list(batch) if isinstance(batch, tuple | list) else []
    wanted = f"features (rows, {schema.n_features}) float32 and "
    wanted += (
        f"classes (rows,) int64 from 0 to {len(schema.class_names) - 1}"
        if schema.class_names
        else f"targets (rows, {schema.n_targets}) float32"
    )
    if len(columns) not in (2, 3) or not all(isinstance(column, torch.Tensor) for column in columns):
        found = type(batch).__name__ if not columns else f"{len(columns)} values"
    elif not _fits(columns[0], columns[1], schema):
        found = " and ".join(f"{tuple(each.shape)} {each.dtype}".replace("torch.", "") for each in columns[:2])
    else:
        return
    raise UsageError(f"a batch for a model of this project must hold {wanted}, got {found} from {target}; change them")


def _fits(features: torch.Tensor, target: torch.Tensor, schema: TableSchema) -> bool:
    if features.dtype != torch.float32 or features.shape[1:] != (schema.n_features,):
        return False
    if not schema.class_names:
        return target.dtype == torch.float32 and target.shape == (len(features), schema.n_targets)
    is_label = target.dtype == torch.int64 and target.shape == (len(features),)
    return is_label and bool(((target >= 0) & (target < len(schema.class_names))).all())
