"""The settings in which the jobs of a sweep differ, as plain values. Imports nothing heavy."""

from collections.abc import Sequence
from typing import Any

from perceptron.files.plain_values import read_yaml
from perceptron.sweeps.job_folders import differing, texts_of_settings


def job_settings(jobs: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Values of the settings that differ between jobs, by name; None where a job's command line has none.

    All jobs of a sweep share one configuration, so that they differ in their command lines alone.

    Args:
        jobs: overrides of each job of one sweep.
    """
    texts = [texts_of_settings(overrides) for overrides in jobs]
    names = differing(texts)
    return [{name: _value(settings.get(name)) for name in names} for settings in texts]


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
