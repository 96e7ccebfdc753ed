"""The settings in which the jobs of a sweep differ, as plain values. Imports nothing heavy."""

from collections.abc import Sequence
from typing import Any

from perceptron.files.plain_values import read_yaml
from perceptron.sweeps.job_folders import of_settings


def job_settings(jobs: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Values of the settings that differ between jobs, by name; None where a job's command line has none.

    All jobs of a sweep share one configuration, so that they differ in their command lines alone.

    Args:
        jobs: overrides of each job of one sweep.
    """
    typed = [_typed(of_settings(overrides)) for overrides in jobs]
    names = dict.fromkeys(name for settings in typed for name in settings)
    differing = [name for name in names if len({settings.get(name) for settings in typed}) > 1]
    return [{name: _value(settings.get(name)) for name in differing} for settings in typed]


def _typed(overrides: Sequence[str]) -> dict[str, str]:
    """Text of each setting of a command line; the last of several counts."""
    pairs = (text.partition("=") for text in overrides)
    return {key.lstrip("+"): value for key, _, value in pairs}


def _value(text: str | None) -> Any:
    """Number, boolean, None or text, as Hydra reads it; a list or a dictionary stays text, which can be grouped by."""
    if text is None:
        return None
    try:
        return float(text) if not _is_whole(text) else int(text)
    except ValueError:
        pass
    if text.lower() in ("true", "false", "null"):
        return read_yaml(text.lower())
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text


def _is_whole(text: str) -> bool:
    return text.lstrip("+-").isdecimal()
