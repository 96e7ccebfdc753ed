"""The metadata in a checkpoint: its configuration, the meaning of its columns, and the members of an ensemble."""

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import lightning as L
import torch

from perceptron.data import TableSchema
from perceptron.errors import UsageError
from perceptron.files.plain_values import check_plain

KEY = "perceptron"
# Numeric fields of a schema, and the names of the columns that they belong to.
_OFFSETS = {"feature_offsets": "feature_names", "target_offsets": "target_names"}


class StoredMetadata(L.Callback):
    """Stores the plain configuration and the meaning of the columns in every checkpoint, under ``perceptron``.

    Args:
        config: plain values only, so that the checkpoint loads with ``weights_only=True``.
        schema: the columns' names and task; None for a user's own model and data.
    """

    def __init__(self, *, config: Mapping[str, Any], schema: TableSchema | None) -> None:
        self.contents = {"config": dict(config), "schema": None if schema is None else asdict(schema)}

    def on_save_checkpoint(
        self,
        trainer: L.Trainer,  # noqa: ARG002
        pl_module: L.LightningModule,  # noqa: ARG002
        checkpoint: dict[str, Any],
    ) -> None:
        """Add the metadata, and leave out the hyper-parameters that could not be read again with ``weights_only=True``.

        A LightningModule whose ``save_hyperparameters`` stores its arguments may have networks and optimizers among
        them, which the configuration says how to make.
        """
        self.add_to(checkpoint)
        for key in (L.LightningModule.CHECKPOINT_HYPER_PARAMS_KEY, L.LightningDataModule.CHECKPOINT_HYPER_PARAMS_KEY):
            if key in checkpoint:
                checkpoint[key] = {name: value for name, value in checkpoint[key].items() if _is_readable(value)}

    def add_to(self, checkpoint: dict[str, Any]) -> None:
        """Add the metadata to a checkpoint that is written without a trainer."""
        checkpoint[KEY] = self.contents


def stored_config(checkpoint: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """The configuration in a checkpoint: plain values, not yet checked against the allow-list.

    Args:
        checkpoint: its contents.
        where: its path, for messages.

    Raises:
        UsageError: if there is none, or it holds anything but plain values.
    """
    config = checkpoint[KEY].get("config")
    if not isinstance(config, dict):
        raise UsageError(f"a checkpoint must hold its configuration, got none in {where}; name another")
    try:
        check_plain(config)
    except ValueError as error:
        raise UsageError(
            f"a checkpoint's configuration must hold plain values, got {error} in {where}; name another"
        ) from error
    return config


def stored_schema(checkpoint: Mapping[str, Any], *, where: str) -> TableSchema:
    """The meaning of the columns, from a checkpoint.

    Args:
        checkpoint: its contents.
        where: its path, for messages.

    Raises:
        UsageError: if it is missing or holds anything but plain values.
    """
    values = checkpoint[KEY].get("schema")
    names = {field.name for field in fields(TableSchema)}
    # Checkpoints of earlier versions have no offsets.
    values = dict.fromkeys(_OFFSETS, ()) | values if isinstance(values, dict) else {}
    if values.keys() != names or not isinstance(values["task"], str):
        raise UsageError(f"a checkpoint must say what its columns mean, got none in {where}; name another")
    lists = {name: values[name] for name in names - {"task"}}
    for name, entries in lists.items():
        fits, rule = (_is_finite, "finite numbers") if name in _OFFSETS else (_is_text, "names")
        if not isinstance(entries, list | tuple) or not all(map(fits, entries)):
            raise UsageError(f"a checkpoint's {name} must be {rule}, got {entries} in {where}; name another")
    for name, columns in _OFFSETS.items():
        if lists[name] and len(lists[name]) != len(lists[columns]):
            raise UsageError(
                f"a checkpoint's {name} must be one for each of its {columns}, got {len(lists[name])} for "
                f"{len(lists[columns])} in {where}; name another"
            )
    return TableSchema(task=values["task"], **{name: tuple(entries) for name, entries in lists.items()})


def stored_members(checkpoint: Mapping[str, Any], *, where: str) -> list[dict[str, Any]]:
    """The members of an ensemble, each with its ``run``, ``step`` and ``split``, which determines its training rows.

    Args:
        checkpoint: its contents.
        where: its path, for messages.

    Raises:
        UsageError: if they have another form.
    """
    members = checkpoint[KEY].get("members", [])
    if not isinstance(members, list) or not all(
        isinstance(member, dict) and isinstance(member.get("split"), dict) for member in members
    ):
        raise UsageError(f"an ensemble's checkpoint must list its members, got none in {where}; make it again")
    return members


def _is_readable(value: Any) -> bool:
    """Whether torch reads a value with ``weights_only=True``."""
    # Subclasses, such as numpy's float64, are other classes to torch.
    if type(value) in (dict, list, tuple, set):
        inner = [*value, *value.values()] if isinstance(value, dict) else list(value)
        return all(map(_is_readable, inner))
    return value is None or type(value) in (bool, int, float, str, bytes, torch.Tensor)


def _is_text(entry: Any) -> bool:
    return isinstance(entry, str)


def _is_finite(entry: Any) -> bool:
    return isinstance(entry, float) and math.isfinite(entry)
