"""Why a training ended, and whether it would have gone on getting better."""

import math
from collections.abc import Mapping
from typing import Any

EARLY, EPOCHS, OTHER = "early_stopping", "max_epochs", "another_limit"
# Better than before in this last part of the epochs is still improving.
_LAST_PART = 0.1


def ending(*, epochs: int, max_epochs: int | None, stopped_early: bool, kept_epoch: int | None) -> dict[str, Any]:
    """How a training ended, in plain values for ``provenance.json``.

    It was still improving where it ended because it had had ``max_epochs``, and the best value of the monitored metric
    came in the last tenth of the epochs, which is at least the last one.

    Args:
        epochs: completed.
        max_epochs: to be trained; None or -1 for no limit.
        stopped_early: whether early stopping ended it.
        kept_epoch: that the reported weights are from, numbered from 0 as in logs; None where no best one is known.
    """
    stopped = EARLY if stopped_early else EPOCHS if epochs == max_epochs else OTHER
    last_part = math.ceil(epochs * _LAST_PART)
    improving = stopped == EPOCHS and kept_epoch is not None and kept_epoch >= epochs - last_part
    return {"epochs": epochs, "stopped_by": stopped, "kept_epoch": kept_epoch, "still_improving": improving}


def in_words(end: Mapping[str, Any]) -> str:
    """One line, such as ``stopped early after 51 epochs, kept epoch 30``.

    Args:
        end: by ``ending``; as it may have been read from a file.

    Raises:
        KeyError, TypeError, ValueError: where it is not.
    """
    epochs, kept = int(end["epochs"]), end["kept_epoch"]
    times = "epoch" if epochs == 1 else "epochs"
    how = {EARLY: f"stopped early after {epochs} {times}", EPOCHS: f"stopped at its {epochs} {times}"}
    text = how.get(str(end["stopped_by"]), f"stopped after {epochs} {times}")
    if end["still_improving"]:
        return f"{text}, still improving: trainer.max_epochs={2 * epochs} trains on"
    return text if kept is None else f"{text}, kept epoch {int(kept)}"
