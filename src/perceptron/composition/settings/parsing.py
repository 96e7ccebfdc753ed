"""Overrides in Hydra's grammar."""

from collections.abc import Iterable
from functools import cache

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from perceptron.errors import UsageError


def parsed_overrides(overrides: Iterable[str], loader: ConfigLoader | None = None) -> list[Override]:
    """Overrides in Hydra's grammar.

    Args:
        overrides: as typed.
        loader: knows the options of ``glob(*)``; None where none is swept.

    Raises:
        UsageError: for the first that does not follow it.
    """
    parser = OverridesParser.create(config_loader=loader)
    parsed = []
    for text in overrides:
        if "=" not in text and not text.startswith("~"):
            raise UsageError(f"an override is key=value, got {text}; write {text}=<value>")
        try:
            parsed += parser.parse_overrides([text])
        # Brackets nested too deep for its parser.
        except (HydraException, RecursionError) as error:
            raise UsageError(
                f"an override must follow Hydra's grammar, got {text}; quote special characters, such as "
                "'key=\"a value\"' or 'key=[1,2]'"
            ) from error
    return parsed


@cache
def parsed_override(text: str) -> Override:
    """A job's override in Hydra's grammar, not to be changed; kept, because it is asked for when it is checked and set.

    Raises:
        HydraException: where it does not follow it.
    """
    return OverridesParser.create().parse_override(text)
