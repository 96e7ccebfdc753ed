"""The arguments of a command: how they are read, and the help that is printed for them."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from textwrap import fill, indent

from perceptron.errors import UsageError
from perceptron.invocation import find_own_modules
from perceptron.spelling import did_you_mean
from perceptron.terminal.status import clear
from perceptron.terminal.text import text_width


@dataclass(frozen=True, kw_only=True)
class Argument:
    """An argument that is typed as ``name=value``.

    Attributes:
        name: what stands before the equals sign.
        takes: the form of a value, such as ``<folder>|latest``; empty if ``options`` lists the values.
        summary: its meaning, for the help.
        default: the value if none is typed.
        required: whether a value must be typed.
        options: all valid values; empty if any text may be valid.
        is_list: whether the value is a list such as ``[a,b]``, which may be empty.
    """

    name: str
    takes: str = ""
    summary: str
    default: str | None = None
    required: bool = False
    options: tuple[str, ...] = ()
    is_list: bool = False

    @property
    def form(self) -> str:
        """The argument as it is typed, such as ``run=<folder>``."""
        return f"{self.name}={self.takes or '|'.join(self.options)}"

    def check(self, value: str | None) -> None:
        """Check a value; None means that none was typed.

        Raises:
            UsageError: if it is missing or not among the options.
        """
        if self.required and not value:
            raise UsageError(f"{self.name} is required; type {self.form}")
        if value is None or (self.is_list and not value):
            return
        if not value:
            raise UsageError(f"{self.name} must not be empty; type {self.form}, or leave it out")
        if self.options and value not in self.options:
            valid = ", ".join(self.options)
            raise UsageError(f"{self.name} must be one of {valid}, got {value}; {did_you_mean(value, self.options)}")


_LATEST = "latest is the run that was started last, best the one with the best monitored metric"
RUN = Argument(name="run", takes="<folder>|latest|best", summary=f"a run's folder; {_LATEST}", default="latest")
MODEL = Argument(
    name="run",
    takes="<folder or checkpoint>|latest|best",
    summary=f"a run's folder, or a checkpoint without one; {_LATEST}",
    default="latest",
)
RUNS = Argument(
    name="runs", takes="<folder>", summary="the folder whose runs latest and best choose from", default="logs"
)
CHECKPOINT = Argument(name="checkpoint", takes="best|last|<file>", summary="which weights of the run", default="best")
TRUST = Argument(
    name="trust",
    takes="[<class>,...]",
    summary="classes outside the project that the stored settings may name; without it they are refused",
    is_list=True,
)


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """The arguments that were typed.

    Attributes:
        values: value of each argument of the command, or its default.
        folders: arguments without a name.
        settings: changes of the settings that a run has stored, in Hydra's syntax.
    """

    values: Mapping[str, str | None]
    folders: Sequence[Path]
    settings: Sequence[str]

    def __getitem__(self, name: str) -> str:
        """Value of an argument that is required or has a default."""
        value = self.values[name]
        assert value is not None  # noqa: S101
        return value

    def get(self, name: str) -> str | None:
        """Value of an argument; None if it has no default and was not typed."""
        return self.values[name]

    def names(self, name: str) -> list[str]:
        """Items of a list such as ``[a,b]``; the brackets may be left out."""
        return [item.strip() for item in (self.values[name] or "").strip("[]").split(",") if item.strip()]

    def trusted(self) -> list[str]:
        """Items of the argument ``trust``, whose modules may lie in the working folder."""
        trusted = self.names("trust")
        find_own_modules(trusted)
        return trusted


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command and everything that ``--help`` says of it.

    Attributes:
        name: the word after ``perceptron``.
        summary: what it does, in a line.
        details: sentences that follow in the command's own help.
        examples: what may be typed after the name; comments after ``#``.
        arguments: its arguments.
        takes_settings: whether it takes changes of the stored settings, such as ``data.path=other.csv``.
        takes_folders: whether it takes folders without a name.
    """

    name: str
    summary: str
    details: str = ""
    examples: Sequence[str] = ()
    arguments: Sequence[Argument] = ()
    takes_settings: bool = False
    takes_folders: bool = False

    def read(self, typed: Sequence[str]) -> Arguments:
        """Read a command line. For ``--help`` and ``-h``, print the help and exit with status 0.

        A value is taken as it stands: a path needs no quotes. The last of several values counts.

        Args:
            typed: what stands behind the command's name.

        Raises:
            UsageError: for an argument or a setting that does not exist, and for an invalid value.
        """
        if {"--help", "-h"} & set(typed):
            clear()
            print(self.help)
            sys.exit()
        values = {argument.name: argument.default for argument in self.arguments}
        folders: list[Path] = []
        settings: list[str] = []
        for text in typed:
            name, equals, value = text.partition("=")
            if equals and name in values:
                values[name] = value
            elif not equals and self.takes_folders and not text.startswith("-"):
                folders += _expanded(text)
            elif equals and self.takes_settings and _first_part(name) in _setting_names():
                settings.append(text)
            else:
                known = [*values, *(_setting_names() if self.takes_settings else ())]
                raise UsageError(f"there is no argument {text}; {did_you_mean(name.lstrip('-'), known)}")
        for argument in self.arguments:
            argument.check(values[argument.name])
        return Arguments(values=values, folders=folders, settings=settings)

    @property
    def help(self) -> str:
        """The text that ``--help`` prints."""
        form = ["perceptron", self.name]
        form += ["<folder> ..."] if self.takes_folders else []
        form += [argument.form for argument in self.arguments if argument.required]
        form += ["[<argument>=<value> ...]"] if self.arguments else []
        form += ["[<setting>=<value> ...]"] if self.takes_settings else []
        usage = fill(" ".join(form), text_width(), subsequent_indent="    ", break_long_words=False)
        parts = [usage, fill(f"{self.summary[0].upper()}{self.summary[1:]}. {self.details}", text_width())]
        if self.examples:
            parts.append("\n".join(["Examples:", *(f"  perceptron {self.name} {text}" for text in self.examples)]))
        lines = ["Arguments:"]
        for argument in self.arguments:
            default = f"; by default {argument.default}" if argument.default else ""
            lines += [f"  {argument.form}", indent(fill(f"{argument.summary}{default}", text_width() - 6), " " * 6)]
        if self.takes_settings:
            lines += ["  <setting>=<value>", "      a change of the settings that the run has stored"]
        return "\n\n".join([*parts, "\n".join(lines)])


def _expanded(text: str) -> list[Path]:
    """The folders that a pattern such as ``logs/*`` names: PowerShell and cmd.exe pass patterns on as they are."""
    # pathlib's raises for some patterns.
    found = [] if Path(text).exists() else sorted(glob(text))  # noqa: PTH207
    return list(map(Path, found or [text]))


def _first_part(key: str) -> str:
    """The group or section of a key such as ``+data@x.y``."""
    return key.lstrip("+~").partition(".")[0].partition("@")[0]


def _setting_names() -> Sequence[str]:
    """First parts of the names of all settings and groups."""
    # Imported here, because it imports hydra, and most command lines do not need it.
    from perceptron.composition.settings.conf_folder import setting_names

    return sorted(setting_names())
