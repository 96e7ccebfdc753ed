"""``perceptron train``: the same as ``python train.py``."""

from collections.abc import Sequence

from perceptron.commands.arguments import Command

COMMAND = Command(name="train", summary="train, test and log a model; the same as python train.py")


def main(arguments: Sequence[str]) -> None:
    """Train; Hydra reads the arguments and prints the help."""
    # Imported here, because it imports hydra.
    from perceptron.composition import command_line

    command_line.main(arguments)
