"""Copy a table to the device that trains on it."""

from typing import Literal

import torch
from torch import Tensor

OnDevice = bool | Literal["auto"]

# Of the memory that is free: the rest is for the network, its gradients and the outputs of an evaluation.
_SHARE = 0.5


class DeviceColumns:
    """Columns of a table on a device, copied there once for all loaders.

    Args:
        wanted: ``auto`` for a device that has room for them, see ``has_room``; True for any; False for none.
    """

    def __init__(self, wanted: OnDevice) -> None:
        self.wanted = wanted
        self._copied: tuple[Tensor, ...] = ()

    def placed(
        self, columns: tuple[Tensor, ...], device: torch.device
    ) -> tuple[tuple[Tensor, ...], torch.device | None]:
        """The columns on the device, and the device; or as they are, and None.

        Args:
            columns: features and target, the same at every call; and what is one loader's own.
            device: where they are to be.
        """
        shared, own = columns[:2], columns[2:]
        is_there = bool(self._copied) and self._copied[0].device == device
        # Beside the columns the split's row numbers, and the order of an epoch.
        n_bytes = sum(column.nbytes for column in shared) + 16 * len(shared[0])
        if not (self.wanted and (self.wanted != "auto" or is_there or has_room(device, n_bytes))):
            return columns, None
        if not is_there:
            self._copied = tuple(column.to(device) for column in shared)
        return (*self._copied, *(column.to(device) for column in own)), device


def has_room(device: torch.device, n_bytes: int) -> bool:
    """Whether so many bytes are at most half of the memory that a CUDA device has free; no other has room."""
    if device.type != "cuda":
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return n_bytes <= _SHARE * free
