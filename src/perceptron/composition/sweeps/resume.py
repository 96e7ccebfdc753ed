"""``sweep.resume=<folder>``: the command line that started a sweep, again. Imports nothing heavy."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Quote, QuotedString

from perceptron.composition.sweeps.kept_command import restore_command
from perceptron.errors import UsageError
from perceptron.runs.stored_values import read_values

_KEY = "sweep.resume"


def resumed_arguments(arguments: Sequence[str]) -> list[str] | None:
    """Arguments that run a sweep again in its own folder, where each job finds what it has left.

    Args:
        arguments: of the command line.

    Returns:
        The arguments for Hydra; None where no sweep is to be resumed.

    Raises:
        UsageError: where the folder is no sweep's, or settings of the jobs stand beside it.
    """
    named = [argument for argument in arguments if argument.partition("=")[0] == _KEY]
    if not named:
        return None
    folder = Path(named[-1].partition("=")[2]).absolute()
    own = [argument for argument in arguments if argument not in named and argument not in ("-m", "--multirun")]
    wrong = [argument for argument in own if not argument.startswith(("hydra/", "hydra."))]
    if wrong:
        raise UsageError(f"a sweep is resumed with its own settings, got {wrong[0]} beside {_KEY}; leave it out")
    restore_command(folder)
    name = QuotedString(text=str(folder), quote=Quote.single)
    return [*_stored(folder), f"hydra.sweep.dir={name.with_quotes()}", *own]


def _stored(folder: Path) -> list[str]:
    """The arguments that Hydra wrote down when the sweep was started, without those that say where it lies."""
    try:
        return _arguments(read_values(folder / "multirun.yaml")["hydra"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{_KEY} must be the folder of a sweep, got {folder} without a readable multirun.yaml; "
            "name one below logs/<task>/multiruns"
        ) from error


def _arguments(hydra: Mapping[str, Any]) -> list[str]:
    kept = [text for text in hydra["overrides"]["hydra"] if not text.startswith(("hydra.sweep.dir=", "hydra.mode="))]
    sources = [source["path"] for source in hydra["runtime"]["config_sources"] if source["provider"] == "command-line"]
    flags = [flag for path in sources for flag in ("--config-dir", path)]
    name = hydra["job"]["config_name"]
    return [
        "-m",
        *flags,
        *(["--config-name", name] if name != "train" else []),
        *kept,
        *hydra["overrides"]["task"],
    ]
