"""Check that this machine has the device that a run asks for."""

import torch

from perceptron.errors import UsageError


def check_device(accelerator: str) -> None:
    """Refuse an accelerator that this machine has not.

    Raises:
        UsageError: with what to type instead.
    """
    has_cuda, has_mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    missing = (
        (accelerator == "cuda" and not has_cuda)
        or (accelerator == "mps" and not has_mps)
        or (accelerator == "gpu" and not (has_cuda or has_mps))
    )
    if missing:
        raise UsageError(
            f"trainer.accelerator={accelerator} needs a device that this machine has not; "
            "type trainer.accelerator=cpu, or auto to take the best there is"
        )
