"""The flags and overrides of a command line, read before Hydra reads them. Imports nothing heavy."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from perceptron.composition.override_forms import in_hydras_form
from perceptron.errors import UsageError
from perceptron.spelling import did_you_mean

# Hydra's flags: https://hydra.cc/docs/1.3/advanced/hydra-command-line-flags
_IS_SWITCH = {"action": "store_true"}
_FLAGS: dict[tuple[str, ...], dict[str, Any]] = {
    ("--multirun", "-m"): _IS_SWITCH,
    ("--run", "-r"): _IS_SWITCH,
    ("--config-name", "-cn"): {},
    ("--config-dir", "-cd"): {},
    ("--config-path", "-cp"): {},
    ("--cfg", "-c"): {"choices": ("job", "hydra", "all")},
    ("--package", "-p"): {},
    ("--resolve",): _IS_SWITCH,
    ("--info", "-i"): {
        "nargs": "?",
        "const": "all",
        "choices": ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath"),
    },
    ("--help", "-h"): _IS_SWITCH,
    ("--hydra-help",): _IS_SWITCH,
    ("--version",): _IS_SWITCH,
    ("--shell-completion", "-sc"): _IS_SWITCH,
}
_TRAINING_FLAGS = {"--multirun", "-m", "--run", "-r"}
_LONG_FLAGS = [name for name, *_ in _FLAGS]
# Hydra's too, and refused.
_RERUN = "--experimental-rerun"


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """A command line as Hydra takes it.

    Attributes:
        flags: with their values. They stand before the overrides: Hydra takes no overrides on both sides of a flag.
        overrides: those typed, and those that your own table adds.
    """

    flags: Sequence[str]
    overrides: Sequence[str]

    @property
    def prints(self) -> bool:
        """Whether Hydra prints something, such as the configuration, and trains nothing."""
        return bool({*self.flags} - _TRAINING_FLAGS)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"the command line cannot be read: {message}; see --help")


def read_command_line(arguments: Sequence[str]) -> CommandLine:
    """Read a command line.

    Raises:
        UsageError: for a flag that does not exist, or flags that do not go together.
    """
    for argument in arguments:
        _check_flag(argument)
    parser = _Parser(add_help=False, allow_abbrev=False)
    for names, options in _FLAGS.items():
        parser.add_argument(*names, **options)
    parser.add_argument("overrides", nargs="*")
    parsed = parser.parse_intermixed_args(arguments)
    does = {"--cfg": parsed.cfg, "--multirun": parsed.multirun, "--run": parsed.run, "--info": parsed.info}
    asked = [flag for flag, typed in does.items() if typed]
    if len(asked) > 1:
        raise UsageError(f"a command line does one thing, got {' and '.join(asked)}; leave all but one of them out")
    if parsed.resolve:
        raise UsageError(
            "a configuration is resolved when it runs, which makes its folder, got --resolve; leave --resolve out"
        )
    overrides = [in_hydras_form(override) for override in parsed.overrides]
    return CommandLine(
        flags=[argument for argument in arguments if argument not in parsed.overrides],
        overrides=[*overrides, *_table_defaults(overrides)],
    )


def _check_flag(argument: str) -> None:
    """Refuse a setting written as an option, an option that does not exist, and Hydra's that reads a pickle."""
    flag, equals, _ = argument.partition("=")
    if flag == _RERUN:
        raise UsageError(
            f"a run is repeated from its plain settings, got {_RERUN}, which reads a pickle, and a pickle can run "
            "code; type perceptron resume run=<folder>, or the run's command again"
        )
    if argument.startswith("--") and flag not in _LONG_FLAGS:
        if equals:
            raise UsageError(f"settings are written without dashes, got {argument}; type {argument.lstrip('-')}")
        raise UsageError(f"there is no option {argument}; {did_you_mean(argument, _LONG_FLAGS)}")


def _table_defaults(overrides: Sequence[str]) -> list[str]:
    """What your own table takes unless the command line names a model or an experiment.

    Which model a table needs is known only when it is read: ``model=auto``. With it, ``experiment=table`` sets
    optimizer and epochs. Added here, because in Hydra a model can select its data, but data cannot select a model.
    """
    typed = dict(override.split("=", 1) for override in overrides if "=" in override)
    if "experiment" in typed or typed.get("model", "auto") != "auto":
        return []
    if typed.get("data") == "table":
        return ["experiment=table"]
    return ["model=auto"] if typed.get("data") == "arrays" and "model" not in typed else []
