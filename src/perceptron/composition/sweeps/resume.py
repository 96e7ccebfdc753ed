"""``sweep.resume=<folder>``: repeat the command line that started a sweep. Imports nothing heavy."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from secrets import token_hex
from typing import Any

from hydra.core.override_parser.types import Quote, QuotedString

from perceptron.composition.override_forms import in_hydras_form
from perceptron.composition.settings.data_paths import path_settings
from perceptron.composition.settings.parsing import parsed_override, parsed_overrides, values_of
from perceptron.composition.settings.sweep_options import FILTER, is_option
from perceptron.composition.sweeps.command_backup import restore_command
from perceptron.composition.sweeps.stored_overrides import REPLACED, check_stored
from perceptron.errors import UsageError
from perceptron.files.containment import check_contained
from perceptron.files.plain_values import read_values

RESUME = "sweep.resume"
_OWN_KEYS = (RESUME, "trust")
# What Hydra calls the folder of --config-dir.
_TYPED = "command-line"
# A sweep may vary them.
_PATHS = ("data.path", "data.test_path")
# Stored for a setting that the sweep varies.
_MISSING = "???"
_CMAES = "optuna.samplers.CmaEsSampler"


def resumed_arguments(arguments: Sequence[str]) -> list[str] | None:
    """Arguments that run a sweep again in its own folder, where each job continues from what it has stored.

    Args:
        arguments: of the command line.

    Returns:
        The arguments for Hydra; None if no sweep is to be resumed.

    Raises:
        UsageError: if the folder is not a sweep's, settings of the jobs are typed beside it, its stored command line
            could do more than train, see ``check_stored``, or a link leads out of the folder.
    """
    named = [argument for argument in arguments if argument.partition("=")[0] == RESUME]
    if not named:
        return None
    folder = Path(named[-1].partition("=")[2]).absolute()
    typed = [text for text in arguments if text.partition("=")[0] not in _OWN_KEYS and text not in ("-m", "--multirun")]
    # With another filter, the jobs would have other numbers.
    wrong = [text for text in typed if not _is_of_hydra(text) or in_hydras_form(text).startswith(f"{FILTER}=")]
    if wrong:
        raise UsageError(f"a sweep is resumed with its own settings, got {wrong[0]} beside {RESUME}; leave it out")
    if "${" in str(folder):
        raise UsageError(f"{RESUME} must be a folder without ${{ in its name, got {folder}; rename it")
    # In a new sweep a link in the working folder is the user's own; in a stored one it may be anybody's.
    check_contained(folder)
    restore_command(folder)
    name = QuotedString(text=str(folder), quote=Quote.single)
    own = list(map(in_hydras_form, typed))
    trust = trusted(arguments)
    replaced = {*REPLACED, *(text.partition("=")[0] for text in own)}
    flags, stored = _stored(folder, replaced=replaced, trust=trust)
    chosen = {override.key_or_group: override.value() for override in parsed_overrides([*stored, *own])}
    _check_sampler(chosen, folder, trust=trust)
    return ["-m", *flags, *stored, f"hydra.sweep.dir={name.with_quotes()}", *_own_pickles(chosen, folder), *own]


def _is_of_hydra(argument: str) -> bool:
    return is_option(argument) or argument.startswith(("hydra/", "hydra."))


def _check_sampler(chosen: Mapping[str, Any], folder: Path, *, trust: Collection[str]) -> None:
    """Refuse to resume a search whose sampler keeps its state in the database as a pickle."""
    if chosen.get("hydra/sweeper/sampler") == "cmaes" and _CMAES not in trust:
        raise UsageError(
            f"hydra/sweeper/sampler=cmaes reads its state from search.db as a pickle, which can run code, got it for "
            f"{folder}; if nobody else wrote there, type 'trust=[{_CMAES}]'"
        )


def _own_pickles(chosen: Mapping[str, Any], folder: Path) -> list[str]:
    """A new folder for submitit's pickles of jobs, since it loads those that it finds."""
    if not str(chosen.get("hydra/launcher")).startswith("submitit"):
        return []
    name = QuotedString(text=str(folder / ".submitit" / token_hex(8) / "%j"), quote=Quote.single)
    return [f"hydra.launcher.submitit_folder={name.with_quotes()}"]


def _stored(folder: Path, *, replaced: Collection[str], trust: Collection[str]) -> tuple[list[str], list[str]]:
    """The stored flags and overrides of the command line, without those that are replaced."""
    file = folder / "multirun.yaml"
    try:
        values = read_values(file)
        hydra = values["hydra"]
        stored = [*hydra["overrides"]["hydra"], *hydra["overrides"]["task"]]
        overrides = [text for text in stored if text.partition("=")[0].lstrip("+~") not in replaced]
        sources = [source["path"] for source in hydra["runtime"]["config_sources"] if source["provider"] == _TYPED]
        root = hydra["job"]["config_name"]
        began_in = hydra["runtime"].get("cwd")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{RESUME} must be the folder of a sweep, got {folder} without a readable multirun.yaml; "
            "name one below logs/<task>/multiruns"
        ) from error
    flags = [("--config-dir", str(source)) for source in sources]
    if root != "train":
        flags.append(("--config-name", str(root)))
    for flag, value in flags:
        if value not in trust:
            raise UsageError(
                f"a stored command line must not name configurations that are not the project's, got {flag} {value} in "
                f"{file}; if you know them, type 'trust=[{','.join(value for _, value in flags)}]'"
            )
    check_stored(overrides, folder, where=str(file), trust=trust)
    if str(began_in) != str(Path.cwd()):
        _check_paths(values, overrides, began_in, trust=trust)
    return [part for flag in flags for part in flag], overrides


def _check_paths(config: Mapping[str, Any], overrides: Sequence[str], began_in: Any, *, trust: Collection[str]) -> None:
    """Refuse relative paths of data in another working folder, where they may name other files.

    Args:
        config: of the sweep, whose paths may be those of a configuration file.
        overrides: of the sweep, which may vary paths.
        began_in: the working folder in which the sweep began.
        trust: settings that the user allows explicitly.
    """
    typed = [each for each in parsed_overrides(overrides) if each.key_or_group in _PATHS]
    varied = [parsed_override(text) for values in values_of(typed) for text in values]
    for key, path in [*path_settings(config), *((each.key_or_group, each.value()) for each in varied)]:
        if key in trust or not isinstance(path, str) or path == _MISSING:
            continue
        if not Path(path).expanduser().is_absolute():
            raise UsageError(
                f"a sweep is resumed in the folder where it began, to which {key}={path} is relative, got "
                f"{Path.cwd()}; change to {began_in}, or type 'trust=[{key}]' if the file is the same here"
            )


def trusted(arguments: Sequence[str]) -> list[str]:
    """The names in ``trust=[a,b]`` among the arguments."""
    values = [argument.partition("=")[2] for argument in arguments if argument.partition("=")[0] == "trust"]
    return [name.strip() for value in values for name in value.strip("[]").split(",")]
