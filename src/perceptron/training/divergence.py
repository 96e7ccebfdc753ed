"""Advice for a diverged loss. Imports nothing heavy."""

from collections.abc import Mapping
from typing import Any


def divergence_advice(config: Mapping[str, Any], *, own_model: bool = False) -> str:
    """The settings that make a loss diverge, and what to set them to.

    Args:
        config: the whole configuration, typed or plain.
        own_model: whether the model is a user's, which may make its own optimizer.
    """
    optimizer = config["optimizer"]
    # An optimizer of one's own may have no rate.
    rate = f"optimizer.lr={optimizer['lr']}" if "lr" in optimizer else f"the optimizer {optimizer['_target_']}"
    advice = [f"the learning rate of {config['model']['_target_']}" if own_model else rate]
    # A user's own data module may have another setting of this name, or none.
    if config["data"].get("standardize") == "none":
        advice.append("set data.standardize=per_feature")
    if config["trainer"]["gradient_clip_val"] is None:
        advice.append("set trainer.gradient_clip_val=1")
    return " or ".join(advice)
