"""How a training ended, and whether the model was still improving."""

import math
from collections.abc import Mapping
from typing import Any

EARLY, EPOCHS, OTHER = "early_stopping", "max_epochs", "another_limit"
# A best value in this last part of the epochs means that the model was still improving.
_LAST_PART = 0.1


def training_end(*, epochs: int, max_epochs: int | None, stopped_early: bool, kept_epoch: int | None) -> dict[str, Any]:
    """How a training ended, as plain values for ``provenance.json``.

    The model was still improving if training reached ``max_epochs`` and the best value of the monitored metric fell in
    the last tenth of the epochs, which is at least the last one.

    Args:
        epochs: number of completed epochs.
        max_epochs: limit on them; None or -1 for no limit.
        stopped_early: whether early stopping ended the training.
        kept_epoch: epoch of the reported weights, numbered from 0 as in logs; None if no best epoch is known.
    """
    stopped = EARLY if stopped_early else EPOCHS if epochs == max_epochs else OTHER
    last_part = math.ceil(epochs * _LAST_PART)
    improving = stopped == EPOCHS and kept_epoch is not None and kept_epoch >= epochs - last_part
    return {"epochs": epochs, "stopped_by": stopped, "kept_epoch": kept_epoch, "still_improving": improving}


def training_end_text(end: Mapping[str, Any]) -> str:
    """One line, such as ``stopped early after 51 epochs, kept epoch 30``.

    Args:
        end: values of ``training_end``, perhaps read from a file.

    Raises:
        KeyError, TypeError, ValueError: if they have another form.
    """
    epochs, kept = int(end["epochs"]), end["kept_epoch"]
    unit = "epoch" if epochs == 1 else "epochs"
    known = {EARLY: f"stopped early after {epochs} {unit}", EPOCHS: f"stopped at its {epochs} {unit}"}
    text = known.get(str(end["stopped_by"]), f"stopped after {epochs} {unit}")
    if end["still_improving"]:
        return f"{text}, still improving: trainer.max_epochs={2 * epochs} trains on"
    return text if kept is None else f"{text}, kept epoch {int(kept)}"
