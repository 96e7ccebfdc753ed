"""``perceptron train``: the same as ``python train.py``."""

from collections.abc import Sequence

from perceptron.composition import command_line


def main(arguments: Sequence[str]) -> None:
    """Train with Hydra's overrides."""
    command_line.main(arguments)
