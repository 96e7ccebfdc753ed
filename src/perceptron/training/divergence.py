"""What makes a loss diverge. Imports nothing heavy."""

from collections.abc import Mapping
from typing import Any


def likely_steep(config: Mapping[str, Any]) -> str:
    """The settings that make a loss diverge, as advice."""
    advice = [f"optimizer.lr={config['optimizer']['lr']}"]
    if config["data"]["standardize"] == "none":
        advice.append("set data.standardize=per_feature")
    if config["trainer"]["gradient_clip_val"] is None:
        advice.append("set trainer.gradient_clip_val=1")
    return " or ".join(advice)
