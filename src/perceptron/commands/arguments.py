"""Arguments of a command: its own, and overrides of the settings that a run has stored. Imports nothing heavy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from perceptron.composition.settings.overrides import CONF_DIR
from perceptron.composition.settings.schema import TrainConf
from perceptron.errors import UsageError
from perceptron.spelling import did_you_mean


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """What was typed.

    Attributes:
        own: the command's own arguments as text, with their defaults; None for one that has none.
        overrides: the others, in Hydra's syntax.
        trust: classes outside the project that a stored configuration may build.
    """

    own: Mapping[str, str | None]
    overrides: list[str]
    trust: list[str]

    def text(self, name: str) -> str:
        """An argument that has a default, or is checked to be there.

        Raises:
            UsageError: where it is not.
        """
        value = self.own[name]
        if not value:
            raise UsageError(f"{name} must be given, got nothing; write {name}=<value>")
        return value

    def choice(self, name: str, *options: str) -> str:
        """An argument that is one of several words.

        Raises:
            UsageError: where it is another.
        """
        value = self.text(name)
        if value not in options:
            raise UsageError(f"{name} must be one of {', '.join(options)}, got {value}; {did_you_mean(value, options)}")
        return value

    @property
    def among(self) -> Path:
        """Folder that ``run=latest`` and ``run=best`` choose from."""
        return Path(self.text("runs"))


_OF_ALL: dict[str, str | None] = {"run": "latest", "runs": "logs"}


def read_arguments(arguments: Sequence[str], own: Mapping[str, str | None], *, usage: str) -> Arguments | None:
    """Sort a command's arguments.

    Args:
        arguments: as typed, ``key=value``. A value of the command's own is taken as it stands: paths need no quotes.
        own: the command's own keys and defaults, beside ``run``, ``runs`` and ``trust``.
        usage: printed for ``--help``.

    Returns:
        None where help was asked for and printed.

    Raises:
        UsageError: for what is no ``key=value``, or a key that is none.
    """
    if {"--help", "-h"} & set(arguments):
        print(usage)
        return None
    values = {**_OF_ALL, **own}
    overrides: list[str] = []
    trust: list[str] = []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if key == "trust" and equals:
            trust += [name.strip() for name in value.strip("[]").split(",")]
        elif key in values and equals:
            values[key] = value
        elif equals and _is_setting(key):
            overrides.append(argument)
        else:
            known = [*values, "trust", *_SETTINGS]
            raise UsageError(f"there is no argument {argument}; {did_you_mean(key.lstrip('-'), known)}")
    return Arguments(own=values, overrides=overrides, trust=trust)


_SETTINGS = tuple(TrainConf.__dataclass_fields__)


def _is_setting(key: str) -> bool:
    first = key.lstrip("+~").partition(".")[0].partition("@")[0]
    return first in _SETTINGS or (CONF_DIR / first).is_dir()
