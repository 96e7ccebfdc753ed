"""Checkpoint files: written atomically, read without running code."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.fabric.plugins import CheckpointIO

from perceptron.errors import StoppedError, UsageError, reason
from perceptron.files.reading import open_regular
from perceptron.files.writing import atomic_file
from perceptron.runs.checkpoints.structure import check_usable


class AtomicCheckpointIO(CheckpointIO):
    """Writes Lightning's checkpoints atomically, and reads them with ``weights_only=True``."""

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any | None = None,  # noqa: ARG002
    ) -> None:
        """Write a file, and replace an old one only when the new one is completely on the disk."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        # After a power cut the folder may still name the old checkpoint, which is complete too.
        with atomic_file(path, sync_folder=False) as file:
            try:
                torch.save(checkpoint, file)
            except RuntimeError as error:
                # torch's writer fails again when it is closed, which hides a full disk or a signal.
                if isinstance(error.__context__, OSError | StoppedError):
                    raise error.__context__ from None
                raise

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any | None = None,  # noqa: ARG002
        weights_only: bool | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Contents on the CPU, read with ``weights_only=True`` whatever the arguments say.

        Raises:
            UsageError: if the file cannot be read that way.
        """
        return read_checkpoint(path)

    def remove_checkpoint(self, path: str | Path) -> None:
        """Delete the file."""
        Path(path).unlink(missing_ok=True)


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Contents of a checkpoint of this project, on the CPU; nothing in the file is run.

    Raises:
        UsageError: if the file is no such checkpoint, is damaged, or holds anything but tensors and plain values.
    """
    try:
        with open_regular(Path(path)) as file:
            checkpoint: Any = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise UsageError(f"a checkpoint must exist, got {path}; name another") from error
    except pickle.UnpicklingError as error:
        raise _unreadable(path) from error
    # Damaged bytes make torch's reader fail in many ways.
    except (OSError, RuntimeError, MemoryError, EOFError, ValueError, LookupError, TypeError, AttributeError) as error:
        # torch's message advises to read the file without weights_only.
        if "weights_only" in str(error):
            raise _unreadable(path) from error
        raise UsageError(
            f"a checkpoint must be readable, got {reason(error, lines=1)} in {path}; name another"
        ) from error
    check_usable(checkpoint, where=str(path))
    contents: dict[str, Any] = checkpoint
    return contents


def load_weights(model: L.LightningModule, path: str | Path) -> None:
    """Load the model's state from a checkpoint file.

    Raises:
        UsageError: if the file is no checkpoint of such a model.
    """
    load_state(model, read_checkpoint(path), where=str(path))


def load_state(model: L.LightningModule, checkpoint: Mapping[str, Any], *, where: str) -> None:
    """Load the model's state from the contents of a checkpoint.

    Args:
        model: to load into.
        checkpoint: contents, as ``read_checkpoint`` returns them.
        where: the checkpoint's path, for messages.

    Raises:
        UsageError: if they belong to another model.
    """
    try:
        model.load_state_dict(checkpoint["state_dict"])
    except (RuntimeError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"a checkpoint must be of this model, got {reason(error, lines=2)} in {where}; name another"
        ) from error


def _unreadable(path: str | Path) -> UsageError:
    return UsageError(
        f"a checkpoint must hold tensors and plain values alone, got Python objects or a damaged file in {path}; "
        "nothing of it was run: name another"
    )
