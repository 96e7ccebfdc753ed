"""Checkpoints that hold all that is needed to use them, in plain values."""

import math
import pickle
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.fabric.plugins import CheckpointIO

from perceptron.data import TableSchema
from perceptron.errors import StoppedError, UsageError, reason
from perceptron.files.reading import open_regular
from perceptron.files.writing import whole_file
from perceptron.runs.checkpoint_shape import check_usable

KEY = "perceptron"
# Numbers of a schema, and the columns that they are for.
_OFFSETS = {"feature_offsets": "feature_names", "target_offsets": "target_names"}


class SelfContained(L.Callback):
    """Puts the plain configuration and the meaning of the columns into every checkpoint, under ``perceptron``.

    Args:
        config: plain values only, so that the checkpoint loads with ``weights_only=True``.
        schema: what the columns mean.
    """

    def __init__(self, *, config: Mapping[str, Any], schema: TableSchema) -> None:
        self.contents = {"config": dict(config), "schema": asdict(schema)}

    def on_save_checkpoint(
        self,
        trainer: L.Trainer,  # noqa: ARG002
        pl_module: L.LightningModule,  # noqa: ARG002
        checkpoint: dict[str, Any],
    ) -> None:
        """Add them."""
        self.add_to(checkpoint)

    def add_to(self, checkpoint: dict[str, Any]) -> None:
        """Add them to a checkpoint that no trainer writes."""
        checkpoint[KEY] = self.contents


class WholeCheckpoints(CheckpointIO):
    """Lightning's way to the disk, by which a checkpoint is written whole or not at all and never runs code."""

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any | None = None,  # noqa: ARG002
    ) -> None:
        """Write a file that takes the old one's place when all of it is on the disk."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        # After a power cut the folder may still name the old checkpoint, which is as whole as the new one.
        with whole_file(path, sync_folder=False) as file:
            try:
                torch.save(checkpoint, file)
            except RuntimeError as error:
                # torch's writer fails once more when it is closed, and so hides a full disk or a signal.
                if isinstance(error.__context__, OSError | StoppedError):
                    raise error.__context__ from None
                raise

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any | None = None,  # noqa: ARG002
        weights_only: bool | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Contents on the CPU, by ``weights_only=True`` whatever is asked for.

        Raises:
            UsageError: where it cannot be read so.
        """
        return read_checkpoint(path)

    def remove_checkpoint(self, path: str | Path) -> None:
        """Delete the file."""
        Path(path).unlink(missing_ok=True)


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Contents of a checkpoint of this project; nothing in it can run.

    Raises:
        UsageError: where the file is none, is damaged, or holds anything but tensors and plain values.
    """
    try:
        with open_regular(Path(path)) as file:
            checkpoint: Any = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise UsageError(f"a checkpoint must exist, got {path}; name another") from error
    except pickle.UnpicklingError as error:
        raise _unreadable(path) from error
    # Damaged bytes fail in many ways inside torch's reader.
    except (OSError, RuntimeError, MemoryError, EOFError, ValueError, LookupError, TypeError, AttributeError) as error:
        # torch advises to read the file without it.
        if "weights_only" in str(error):
            raise _unreadable(path) from error
        raise UsageError(
            f"a checkpoint must be readable, got {reason(error, lines=1)} in {path}; name another"
        ) from error
    check_usable(checkpoint, where=str(path))
    contents: dict[str, Any] = checkpoint
    return contents


def _unreadable(path: str | Path) -> UsageError:
    return UsageError(
        f"a checkpoint must hold tensors and plain values alone, got Python objects or a damaged file in {path}; "
        "nothing of it was run: name another"
    )


def stored_config(checkpoint: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """The configuration in a checkpoint, not yet to be trusted.

    Raises:
        UsageError: where there is none.
    """
    config = checkpoint[KEY].get("config")
    if not isinstance(config, dict):
        raise UsageError(f"a checkpoint must hold its configuration, got none in {where}; name another")
    return config


def stored_schema(checkpoint: Mapping[str, Any], *, where: str) -> TableSchema:
    """What the columns mean, from a checkpoint.

    Raises:
        UsageError: where it is not there or not plain.
    """
    values = checkpoint[KEY].get("schema")
    names = {field.name for field in fields(TableSchema)}
    # A checkpoint of an earlier version has none.
    values = dict.fromkeys(_OFFSETS, ()) | values if isinstance(values, dict) else {}
    if values.keys() != names or not isinstance(values["task"], str):
        raise UsageError(f"a checkpoint must say what its columns mean, got none in {where}; name another")
    lists = {name: values[name] for name in names - {"task"}}
    for name, entries in lists.items():
        fits, words = (_is_finite, "finite numbers") if name in _OFFSETS else (_is_text, "names")
        if not isinstance(entries, list | tuple) or not all(map(fits, entries)):
            raise UsageError(f"a checkpoint's {name} must be {words}, got {entries} in {where}; name another")
    for name, columns in _OFFSETS.items():
        if lists[name] and len(lists[name]) != len(lists[columns]):
            raise UsageError(
                f"a checkpoint's {name} must be one for each of its {columns}, got {len(lists[name])} for "
                f"{len(lists[columns])} in {where}; name another"
            )
    return TableSchema(task=values["task"], **{name: tuple(entries) for name, entries in lists.items()})


def _is_text(entry: Any) -> bool:
    return isinstance(entry, str)


def _is_finite(entry: Any) -> bool:
    return isinstance(entry, float) and math.isfinite(entry)


def stored_members(checkpoint: Mapping[str, Any], *, where: str) -> list[dict[str, Any]]:
    """What an ensemble's members were: ``run``, ``step`` and ``split``, what decides which rows they were trained on.

    Raises:
        UsageError: where they are not plain.
    """
    members = checkpoint[KEY].get("members", [])
    if not isinstance(members, list) or not all(
        isinstance(member, dict) and isinstance(member.get("split"), dict) for member in members
    ):
        raise UsageError(f"an ensemble's checkpoint must say what its members are, got none in {where}; make it again")
    return members


def load_weights(model: L.LightningModule, path: str | Path) -> None:
    """Load the model's state from a checkpoint.

    Raises:
        UsageError: where the file is no checkpoint of such a model.
    """
    load_state(model, read_checkpoint(path), where=str(path))


def load_state(model: L.LightningModule, checkpoint: Mapping[str, Any], *, where: str) -> None:
    """Load the model's state from the contents of a checkpoint.

    Raises:
        UsageError: where they are of another model.
    """
    try:
        model.load_state_dict(checkpoint["state_dict"])
    except (RuntimeError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"a checkpoint must be of this model, got {reason(error, lines=2)} in {where}; name another"
        ) from error
