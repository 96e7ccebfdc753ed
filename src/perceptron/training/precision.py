"""Convert a model to the precision that its weights are stored in."""

import lightning as L

_DOUBLE = ("64", "64-true")


def to_stored_precision(model: L.LightningModule, precision: str | int | None) -> None:
    """Make a model double where ``trainer.precision`` says so, before it loads a checkpoint.

    Lightning does so only after it has restored a checkpoint, and so rounds its weights to float32. The other
    precisions store float32, or what float32 holds without loss.
    """
    if str(precision) in _DOUBLE:
        model.double()
