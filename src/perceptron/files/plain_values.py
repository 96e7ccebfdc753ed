"""Plain values in YAML and JSON files: read within limits, because anybody may have prepared the file; and written.

A small file can unfold to any size through aliases, contain itself, nest so deep that a recursive parser crashes, or
hold a number that takes minutes to convert. All commands read such files with these functions.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from perceptron.errors import reason
from perceptron.files.reading import read_limited
from perceptron.files.writing import write_text
from perceptron.terminal.status import clear

# A thousand times the size of a run's files; a report on a table of many columns is the largest of them.
_MOST_BYTES = {".yaml": 2**22, ".json": 2**26}
# A hundred times the number of values in a run's configuration.
_MOST_VALUES = 50_000
_DEEPEST = 64
# Python converts numbers of any length; times, seeds and counts have fewer digits.
_LONGEST_NUMBER = 100
_INTEGER = "tag:yaml.org,2002:int"
# The parser in C, if there is one, takes a tenth of the time (measured).
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_resolver: Any = yaml.resolver.Resolver()


def read_values(path: Path) -> Any:
    """Plain values of a YAML or JSON file: mappings, lists, texts, numbers, booleans and None.

    Raises:
        ValueError: if the file cannot be read, is not a regular file, is damaged, or exceeds a limit; the message is
            one line.
    """
    text = read_text(path)
    return read_yaml(text) if path.suffix == ".yaml" else _read_json(text)


def read_text(path: Path) -> str:
    """Text of a YAML or JSON file.

    Raises:
        ValueError: if it cannot be read, is not a regular file, is too large, or is not UTF-8.
    """
    try:
        return read_limited(path, most=_MOST_BYTES[path.suffix]).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(getattr(error, "strerror", None) or reason(error, lines=1)) from error


def read_yaml(text: str) -> Any:
    """Plain values of a YAML text.

    Raises:
        ValueError: if it is not YAML, exceeds a limit, or holds anything but plain values.
    """
    try:
        _check_events(text)
        values = yaml.load(text, Loader=_Loader)  # noqa: S506
    # Constructors of tags such as !!timestamp raise whatever the conversion raises.
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(reason(error, lines=1)) from error
    check_plain(values)
    return values


def check_plain(values: Any, *, most: float = _MOST_VALUES) -> None:
    """Check that values are plain: mappings, lists, texts that UTF-8 can encode, short numbers, booleans and None.

    Args:
        values: from a file, whose parser has built them.
        most: how many values, keys included, there may be; a value counts as often as it occurs.

    Raises:
        ValueError: for the first value that is not plain, is nested too deep or comes after too many; it says which.
    """
    for count, (value, depth) in enumerate(_nested(values), start=1):
        if depth > _DEEPEST:
            raise ValueError(f"values nested deeper than {_DEEPEST}")
        if count > most:
            raise ValueError(f"more than {most:,} values")
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise ValueError("a text with half of a surrogate pair") from error
        elif isinstance(value, int) and value and math.log10(abs(value)) > _LONGEST_NUMBER:
            raise ValueError(f"a number of more than {_LONGEST_NUMBER} digits")
        elif not isinstance(value, dict | list | int | float | None):
            raise ValueError(f"a {type(value).__name__} instead of a plain value")


def nested_values(
    values: Any, key: str = "", *, without: Callable[[str, Any], bool] | None = None
) -> Iterator[tuple[str, Any]]:
    """Plain values at any depth, each with its key, such as ``trainer.profiler.filename``.

    Args:
        values: checked by ``check_plain``, which limits their depth. Items of a list have the key of the list.
        key: of the values themselves.
        without: whether to leave out a value, given its key, and all values in it.
    """
    if without is not None and without(key, values):
        return
    yield key, values
    if isinstance(values, dict):
        for name, item in values.items():
            yield from nested_values(item, f"{key}.{name}" if key else str(name), without=without)
    elif isinstance(values, list):
        for item in values:
            yield from nested_values(item, key, without=without)


def map_texts(values: Any, function: Callable[[str], str]) -> Any:
    """A copy of plain values in which a function has replaced every text but the keys."""
    if isinstance(values, dict):
        return {key: map_texts(item, function) for key, item in values.items()}
    if isinstance(values, list):
        return [map_texts(item, function) for item in values]
    return function(values) if isinstance(values, str) else values


def print_json(values: Mapping[str, Any]) -> None:
    """Print values as JSON; NaN and infinity become null."""
    clear()
    print(_json(values))


def write_json(path: Path, values: Mapping[str, Any], *, sync_folder: bool = True) -> None:
    """Write values as JSON, atomically; NaN and infinity become null, since JSON has neither."""
    write_text(path, _json(values) + "\n", sync_folder=sync_folder)


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(_finite(values), indent=2, ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _read_json(text: str) -> Any:
    try:
        values = json.loads(text)
    except RecursionError as error:
        raise ValueError(f"values nested deeper than {_DEEPEST}") from error
    # The size of the text limits their number: JSON has no aliases.
    check_plain(values, most=math.inf)
    return values


@dataclass
class _Open:
    """A list or mapping whose end has not been parsed yet: its anchor, and the number of values in it so far."""

    anchor: str | None
    values: int = 1


def _check_events(text: str) -> None:
    """Check depth, the number of values with all aliases unfolded, and long integers, before any value is built.

    Parsing into events, unlike building values, uses no recursion.
    """
    sizes: dict[str, int] = {}
    opened = [_Open(None)]
    for event in yaml.parse(text, Loader=_Loader):
        size = 0
        if isinstance(event, yaml.CollectionStartEvent):
            opened.append(_Open(event.anchor))
            if len(opened) > _DEEPEST:
                raise ValueError(f"values nested deeper than {_DEEPEST}")
        elif isinstance(event, yaml.CollectionEndEvent):
            ended = opened.pop()
            size = ended.values
            if ended.anchor is not None:
                sizes[ended.anchor] = size
        elif isinstance(event, yaml.ScalarEvent):
            size = 1
            _check_number(event)
            if event.anchor is not None:
                sizes[event.anchor] = size
        elif isinstance(event, yaml.AliasEvent):
            if any(each.anchor == event.anchor for each in opened):
                raise ValueError(f"a value that contains itself, *{event.anchor}")
            size = sizes.get(str(event.anchor), 1)
        opened[-1].values += size
        if opened[-1].values > _MOST_VALUES:
            raise ValueError(f"more than {_MOST_VALUES:,} values")


def _check_number(event: yaml.ScalarEvent) -> None:
    if len(event.value) > _LONGEST_NUMBER and (
        event.tag == _INTEGER
        or (event.tag is None and _resolver.resolve(yaml.ScalarNode, event.value, event.implicit) == _INTEGER)
    ):
        raise ValueError(f"a number of {len(event.value):,} digits")


def _nested(values: Any) -> Iterator[tuple[Any, int]]:
    """Every value at any depth, keys included, with its depth."""
    left = [(values, 1)]
    while left:
        value, depth = left.pop()
        yield value, depth
        if isinstance(value, dict):
            left += [(item, depth + 1) for pair in value.items() for item in pair]
        elif isinstance(value, list):
            left += [(item, depth + 1) for item in value]
