"""``perceptron train``: the same as ``python train.py``."""

import sys
from collections.abc import Sequence

from perceptron.composition import command_line


def main(arguments: Sequence[str]) -> None:
    """Train with Hydra's overrides."""
    sys.argv[1:] = arguments
    command_line.main()
