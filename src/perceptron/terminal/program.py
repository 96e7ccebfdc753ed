"""The command that trains, as this process was started."""

import sys
from pathlib import Path


def training_command() -> str:
    """``perceptron train`` where the installed program was called, else ``python train.py``."""
    return "perceptron train" if Path(sys.argv[0]).name in ("perceptron", "__main__.py") else "python train.py"
