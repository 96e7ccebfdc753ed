"""``sweep.resume=<folder>``: the command line that started a sweep, again. Imports nothing heavy."""

from collections.abc import Collection, Sequence
from pathlib import Path

from hydra.core.override_parser.types import Quote, QuotedString

from perceptron.composition.sweeps.stored_overrides import REPLACED, check_stored
from perceptron.errors import UsageError
from perceptron.runs.stored_values import read_values

RESUME = "sweep.resume"
_OWN_KEYS = (RESUME, "trust")
# What Hydra calls the folder of --config-dir.
_TYPED = "command-line"


def resumed_arguments(arguments: Sequence[str]) -> list[str] | None:
    """Arguments that run a sweep again in its own folder, where each job finds what it has left.

    Args:
        arguments: of the command line.

    Returns:
        The arguments for Hydra; None where no sweep is to be resumed.

    Raises:
        UsageError: where the folder is no sweep's, settings of the jobs stand beside it, or what it has stored could do
            more than train, see ``check_stored``.
    """
    named = [argument for argument in arguments if argument.partition("=")[0] == RESUME]
    if not named:
        return None
    folder = Path(named[-1].partition("=")[2]).absolute()
    own = [text for text in arguments if text.partition("=")[0] not in _OWN_KEYS and text not in ("-m", "--multirun")]
    wrong = [argument for argument in own if not argument.startswith(("hydra/", "hydra."))]
    if wrong:
        raise UsageError(f"a sweep is resumed with its own settings, got {wrong[0]} beside {RESUME}; leave it out")
    if "${" in str(folder):
        raise UsageError(f"{RESUME} must be a folder without ${{ in its name, got {folder}; rename it")
    name = QuotedString(text=str(folder), quote=Quote.single)
    typed = {argument.partition("=")[0] for argument in own}
    stored = _stored(folder, replaced={*REPLACED, *typed}, trust=trusted(arguments))
    return [*stored, f"hydra.sweep.dir={name.with_quotes()}", *own]


def _stored(folder: Path, *, replaced: Collection[str], trust: Collection[str]) -> list[str]:
    """The arguments that Hydra wrote down when the sweep was started, without those that are said anew."""
    file = folder / "multirun.yaml"
    try:
        hydra = read_values(file)["hydra"]
        stored = [*hydra["overrides"]["hydra"], *hydra["overrides"]["task"]]
        overrides = [text for text in stored if text.partition("=")[0].lstrip("+~") not in replaced]
        sources = [source["path"] for source in hydra["runtime"]["config_sources"] if source["provider"] == _TYPED]
        root = hydra["job"]["config_name"]
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
    return ["-m", *(part for flag in flags for part in flag), *overrides]


def trusted(arguments: Sequence[str]) -> list[str]:
    """What ``trust=[a,b]`` among arguments admits."""
    values = [argument.partition("=")[2] for argument in arguments if argument.partition("=")[0] == "trust"]
    return [name.strip() for value in values for name in value.strip("[]").split(",")]
