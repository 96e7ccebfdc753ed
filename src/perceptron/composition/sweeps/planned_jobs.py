"""The jobs that a sweep's stored command line asks for, those included that have not started. Imports nothing heavy."""

from itertools import product
from pathlib import Path

from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from perceptron.composition.settings.parsing import parsed_overrides
from perceptron.composition.sweeps.stored_overrides import check_size
from perceptron.errors import UsageError
from perceptron.files.plain_values import read_values

_FILE = "multirun.yaml"
_SWEEPER = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"


def planned_jobs(sweep: Path) -> list[list[str]]:
    """Overrides of each job, by its number, as Hydra stores them in the job's folder.

    Args:
        sweep: its folder.

    Returns:
        Empty where they are not known beforehand: of a search, of options that a pattern names, or of a folder whose
        ``multirun.yaml`` cannot be read.

    Raises:
        UsageError: if there are more than a sweep may have.
    """
    try:
        hydra = read_values(sweep / _FILE)["hydra"]
        sweeper = hydra["sweeper"]
        typed = [f"{key}={value}" for key, value in (sweeper.get("params") or {}).items()]
        typed += [str(text) for text in hydra["overrides"]["task"]]
        overrides = parsed_overrides(typed) if sweeper["_target_"] == _SWEEPER else []
    except (ValueError, KeyError, TypeError, AttributeError, UsageError):
        return []
    check_size(overrides, where=str(sweep / _FILE))
    try:
        # Hydra takes the last of several for one key.
        values = {override.get_key_element(): _texts(override) for override in overrides}
    except HydraException:
        return []
    return [list(job) for job in product(*values.values())] if values else []


def _texts(override: Override) -> list[str]:
    """The override for each of its values, as a job gets it.

    Raises:
        HydraException: if its values are known to Hydra's loader of configurations alone.
    """
    key = override.get_key_element()
    if override.is_sweep_override():
        return [f"{key}={value}" for value in override.sweep_string_iterator()]
    return [f"{key}={override.get_value_element_as_str()}"]
