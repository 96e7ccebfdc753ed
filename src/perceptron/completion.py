"""Completion in the shell, which ``eval "$(perceptron train -sc install=bash)"`` installs. Imports nothing heavy."""

import os
from collections.abc import Mapping, Sequence
from importlib import import_module

# Hydra's, which its shell functions call with the program alone, whatever was typed behind it.
FLAG = "-sc"
_TRAIN = "train"


def complete(arguments: Sequence[str], commands: Sequence[str], environment: Mapping[str, str] = os.environ) -> None:
    """Print what may follow on the command line that the shell has put into ``COMP_LINE``.

    Args:
        arguments: behind ``FLAG``, such as ``query=bash``.
        commands: names of all commands.
        environment: with ``COMP_LINE``.
    """
    line = environment.get("COMP_LINE", "")
    program, name, rest = [*line.split(maxsplit=2), "", "", ""][:3]
    is_typed = bool(rest) or line.endswith(" ")
    if name == _TRAIN and is_typed:
        _complete_training(arguments, f"{program} {rest}")
    elif not (name and is_typed):
        print(" ".join(commands))
    elif name in commands:
        command = import_module(f"perceptron.commands.{name}").COMMAND
        print(" ".join(f"{argument.name}=" for argument in command.arguments))


def _complete_training(arguments: Sequence[str], line: str) -> None:
    from perceptron.composition import command_line

    # Hydra's completion reads it, and knows of no command behind the program.
    os.environ["COMP_LINE"] = line
    command_line.main([FLAG, *arguments])
