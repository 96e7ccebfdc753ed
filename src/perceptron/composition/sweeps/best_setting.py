"""``sweep.best=<folder>``: the best setting of a sweep, read as data. Imports nothing heavy.

``--config-dir <folder> experiment=best`` is not used, because Hydra would compose any file of the folder.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override, Quote, QuotedString

from perceptron.composition.sweeps.resume import trusted
from perceptron.composition.sweeps.stored_overrides import check_stored
from perceptron.errors import UsageError
from perceptron.files.plain_values import read_values

_KEY, _PATHS = "sweep.best", "paths"
_OVERRIDDEN = re.compile(r"override /([\w/]+)")


def with_best(arguments: Sequence[str]) -> list[str]:
    """A command line with a sweep's best setting in place of ``sweep.best``; other arguments follow and win.

    Args:
        arguments: of the command line.

    Raises:
        UsageError: if the folder has no best setting, or it could do more than train, see ``check_stored``.
    """
    named = [argument for argument in arguments if argument.partition("=")[0] == _KEY]
    if not named:
        return list(arguments)
    folder = Path(named[-1].partition("=")[2])
    file = folder / "experiment" / "best.yaml"
    stored, trust = _stored(file), trusted(arguments)
    check_stored(stored, folder, where=str(file), trust=trust)
    _check_places(stored, where=str(file), trust=trust)
    others = [argument for argument in arguments if argument.partition("=")[0] not in (_KEY, "trust")]
    typed = {_key(argument) for argument in others}
    return [*(override for override in stored if _key(override) not in typed), *others]


def _stored(file: Path) -> list[str]:
    """The overrides that make the setting."""
    try:
        values = dict(read_values(file))
        options = [_option(entry) for entry in values.pop("defaults") if entry != "_self_"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{_KEY} must be the folder of a sweep that has a best setting, got {file.parents[1]} without a readable "
            "experiment/best.yaml; name one below logs/<task>/multiruns"
        ) from error
    return [*options, *(f"++{key}={_text(value)}" for key, value in _leaves(values, ""))]


def _check_places(stored: Sequence[str], *, where: str, trust: Collection[str]) -> None:
    """Refuse a file that sets folders of the new run: a sweep never stores ``paths`` in its best setting."""
    for override in stored:
        key = _key(override)
        if key.partition(".")[0] == _PATHS and key not in trust:
            raise UsageError(
                f"a best setting must not say where a run writes, got {override.lstrip('+')} in {where}; if you know "
                f"it, type 'trust=[{key}]'"
            )


def _option(entry: Any) -> str:
    """``model=logistic`` for ``override /model: logistic``; a name alone is an experiment."""
    if isinstance(entry, str):
        return f"experiment={_text(entry)}"
    ((key, option),) = entry.items()
    named = _OVERRIDDEN.fullmatch(key)
    if named is None:
        raise ValueError(key)
    return f"{named[1]}={_text(option)}"


def _leaves(values: Mapping[Any, Any], path: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def _text(value: Any) -> str:
    """A value in Hydra's grammar."""
    return Override._get_value_element_as_str(_quoted(value))


def _quoted(value: Any) -> Any:
    if isinstance(value, str):
        return QuotedString(text=value, quote=Quote.single)
    if isinstance(value, Mapping):
        return {key: _quoted(item) for key, item in value.items()}
    return [_quoted(item) for item in value] if isinstance(value, list) else value


def _key(argument: str) -> str:
    return argument.partition("=")[0].lstrip("+")
