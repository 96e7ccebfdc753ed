"""``perceptron train``: the same as ``python train.py``."""

import re
from collections.abc import Sequence

from perceptron.commands.arguments import Command
from perceptron.invocation import find_own_modules

# Also those in a dictionary, in a sweep's list, and those that the user trusts.
_TARGETS = re.compile(r"(?:_target_['\"]?[=:]\s*|trust=\[?|,)['\"]?([A-Za-z_]\w*\.[\w.]+)")

COMMAND = Command(name="train", summary="train, test and log a model")


def main(arguments: Sequence[str]) -> None:
    """Train; Hydra reads the arguments and prints the help."""
    # Imported here, because it imports hydra.
    from perceptron.composition import command_line

    find_own_modules(target for argument in arguments for target in _TARGETS.findall(argument))
    command_line.main(arguments)
