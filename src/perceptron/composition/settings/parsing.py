"""Overrides in Hydra's grammar."""

from collections.abc import Iterable
from functools import cache

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from perceptron.composition.settings.explain import explain
from perceptron.errors import UsageError


def parsed_overrides(overrides: Iterable[str], loader: ConfigLoader | None = None) -> list[Override]:
    """Parse overrides.

    Args:
        overrides: as typed.
        loader: Hydra's, which knows the options of ``glob(*)``; None where none is swept.

    Raises:
        UsageError: for the first that does not follow the grammar.
    """
    try:
        return OverridesParser.create(config_loader=loader).parse_overrides(list(overrides))
    # Its parser recurses into brackets.
    except (HydraException, RecursionError) as error:
        raise UsageError(explain(error)) from error


def values_of(overrides: Iterable[Override]) -> list[list[str]]:
    """For each setting an override for each of its values, as Hydra's own sweeper makes them.

    Raises:
        HydraException: if its values are known to the loader of configurations alone, and it was parsed without one.
    """
    # By key: Hydra takes the last one.
    values: dict[str, list[str]] = {}
    for override in overrides:
        key = override.get_key_element()
        found = (
            override.sweep_string_iterator() if override.is_sweep_override() else [override.get_value_element_as_str()]
        )
        values[key] = [f"{key}={value}" for value in found]
    return list(values.values())


@cache
def parsed_override(text: str) -> Override:
    """Parse one override of a job; the result is cached and must not be changed.

    Raises:
        HydraException: where it does not follow the grammar.
    """
    return _parser().parse_override(text)


@cache
def _parser() -> OverridesParser:
    return OverridesParser.create()
