"""The jobs that a sweep's stored command line asks for, those included that have not started. Imports nothing heavy."""

from itertools import product
from pathlib import Path

from hydra.errors import HydraException

from perceptron.composition.settings.parsing import parsed_overrides, values_of
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
        Empty where they are not known without composing them: of a search, of options that a pattern names, with
        ``sweep.filter``, or of a folder whose ``multirun.yaml`` cannot be read.

    Raises:
        UsageError: if there are more than a sweep may have.
    """
    try:
        hydra = read_values(sweep / _FILE)["hydra"]
        sweeper = hydra["sweeper"]
        typed = [f"{key}={value}" for key, value in (sweeper.get("params") or {}).items()]
        typed += [str(text) for text in hydra["overrides"]["task"]]
        is_known = sweeper["_target_"] == _SWEEPER and hydra["callbacks"].get("sweep", {}).get("filter") is None
        overrides = parsed_overrides(typed) if is_known else []
    except (ValueError, KeyError, TypeError, AttributeError, UsageError):
        return []
    check_size(overrides, where=str(sweep / _FILE))
    try:
        values = values_of(overrides)
    except HydraException:
        return []
    return [list(job) for job in product(*values)] if values else []
