"""A search space in Hydra's override syntax, from which Optuna's trials draw."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep

from perceptron.errors import UsageError

if TYPE_CHECKING:
    from optuna.trial import Trial

_LOG = "log"
_IF = "if "


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """A setting that is searched.

    Attributes:
        key: of the override, with its prefix such as ``+``.
        sweep: its range or choices.
        texts: its values if it is a choice.
        log: whether its logarithm is drawn uniformly.
        conditions: values that other settings must have for this one to be drawn.
    """

    key: str
    sweep: ChoiceSweep | IntervalSweep | RangeSweep
    texts: tuple[str, ...]
    log: bool
    conditions: Mapping[str, frozenset[str]]

    def draw(self, trial: "Trial") -> str:
        """A value in the syntax of an override."""
        sweep = self.sweep
        if isinstance(sweep, ChoiceSweep):
            return str(trial.suggest_categorical(self.key, self.texts))
        low, high, step = _bounds(sweep)
        if isinstance(low, int) and isinstance(high, int) and isinstance(step, int | None):
            return str(trial.suggest_int(self.key, low, high, step=step or 1, log=self.log))
        return repr(trial.suggest_float(self.key, low, high, step=step, log=self.log))

    def samples(self) -> list[str]:
        """All choices, or both ends of a range."""
        if isinstance(self.sweep, ChoiceSweep):
            return list(self.texts)
        low, high, _ = _bounds(self.sweep)
        return [str(low), str(high)]

    def values(self) -> list[str]:
        """All values; there must be no continuous range."""
        if isinstance(self.sweep, RangeSweep):
            return [repr(value) for value in self.sweep.range()]
        low, high, _ = (0, 0, None) if isinstance(self.sweep, ChoiceSweep) else _bounds(self.sweep)
        return list(self.texts) or [str(value) for value in range(low, high + 1)]

    def count(self) -> int | None:
        """Number of values; None for a continuous range."""
        if isinstance(self.sweep, ChoiceSweep):
            return len(self.texts)
        low, high, step = _bounds(self.sweep)
        if step is None and not (isinstance(low, int) and isinstance(high, int)):
            return None
        steps: int = round((high - low) / (step or 1))
        return steps + 1


@dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """The fixed and the searched settings.

    Attributes:
        fixed: overrides of every trial.
        values: values of the fixed overrides by key.
        dimensions: the searched settings, each after those that its conditions name.
    """

    fixed: Sequence[str]
    values: Mapping[str, str]
    dimensions: Sequence[Dimension]

    def draw(self, trial: "Trial") -> list[str]:
        """Overrides of a trial."""
        values = dict(self.values)
        drawn = []
        for dimension in self.dimensions:
            if all(values.get(key) in allowed for key, allowed in dimension.conditions.items()):
                values[_name(dimension.key)] = dimension.draw(trial)
                drawn.append(f"{dimension.key}={values[_name(dimension.key)]}")
        return [*self.fixed, *drawn]

    def samples(self) -> Iterator[list[str]]:
        """Overrides that contain each choice and each end once, beside the first values of the other settings."""
        first = {dimension.key: dimension.samples()[0] for dimension in self.dimensions if not dimension.conditions}
        yield [*self.fixed, *(f"{key}={value}" for key, value in first.items())]
        for dimension in self.dimensions:
            wanted = {key: min(allowed) for key, allowed in dimension.conditions.items() if key not in self.values}
            for value in dimension.samples():
                chosen = {**first, **wanted, dimension.key: value}
                yield [*self.fixed, *(f"{key}={chosen[key]}" for key in chosen)]

    def points(self) -> Iterator[list[str]]:
        """Overrides of each trial that there may be; there must be no continuous range."""
        return self._points(dict(self.values), [*self.fixed], 0)

    def _points(self, values: dict[str, str], drawn: list[str], place: int) -> Iterator[list[str]]:
        if place == len(self.dimensions):
            yield drawn
            return
        dimension = self.dimensions[place]
        if not all(values.get(key) in allowed for key, allowed in dimension.conditions.items()):
            yield from self._points(values, drawn, place + 1)
            return
        for text in dimension.values():
            chosen = {**values, _name(dimension.key): text}
            yield from self._points(chosen, [*drawn, f"{dimension.key}={text}"], place + 1)

    def size(self) -> int | None:
        """Number of different trials; None with a continuous range."""
        if any(dimension.count() is None for dimension in self.dimensions):
            return None
        return self._leaves(dict(self.values), 0)

    def _leaves(self, values: dict[str, str], place: int) -> int:
        if place == len(self.dimensions):
            return 1
        dimension = self.dimensions[place]
        if not all(values.get(key) in allowed for key, allowed in dimension.conditions.items()):
            return self._leaves(values, place + 1)
        asked = any(_name(dimension.key) in later.conditions for later in self.dimensions[place + 1 :])
        if not asked:
            return (dimension.count() or 1) * self._leaves(values, place + 1)
        return sum(self._leaves({**values, _name(dimension.key): text}, place + 1) for text in dimension.texts)


def parse_space(params: Mapping[str, Any], arguments: Sequence[str], loader: ConfigLoader) -> SearchSpace:
    """The search space of a sweeper's ``params`` and of the command line, which takes precedence.

    Args:
        params: value of each setting in Hydra's override syntax: ``interval(0.1, 1)``, ``int(interval(1, 9))``,
            ``range(1, 9, 2)``, ``choice(a, b)`` or ``a,b``, in ``tag(log, ...)`` to be drawn by its logarithm, and in
            ``tag("if optimizer=sgd|adam", ...)`` to be drawn under a condition.
        arguments: overrides.
        loader: Hydra's, which knows the options of ``glob(*)``.

    Raises:
        UsageError: if a condition names a setting that is neither set nor searched.
    """
    parser = OverridesParser.create(config_loader=loader)
    texts = {key: f"{key}={value}" for key, value in params.items() if value is not None}
    parsed = {override.key_or_group: override for override in parser.parse_overrides(list(texts.values()))}
    parsed |= {override.key_or_group: override for override in parser.parse_overrides(list(arguments))}
    fixed = [override for override in parsed.values() if not override.is_sweep_override()]
    values = {
        override.key_or_group: "" if override.is_delete() else override.get_value_element_as_str() for override in fixed
    }
    dimensions: list[Dimension] = []
    waiting = [_dimension(override) for override in parsed.values() if override.is_sweep_override()]
    known = {*values}
    while waiting:
        ready = [dimension for dimension in waiting if dimension.conditions.keys() <= known]
        if not ready:
            key = waiting[0].key
            unknown = ", ".join(sorted(waiting[0].conditions.keys() - known))
            raise UsageError(
                f"a condition must name settings that are set or searched, got {unknown} for {key}; "
                f"add {unknown} to hydra.sweeper.params"
            )
        dimensions += ready
        known |= {_name(dimension.key) for dimension in ready}
        waiting = [dimension for dimension in waiting if dimension not in ready]
    return SearchSpace(fixed=[str(override.input_line) for override in fixed], values=values, dimensions=dimensions)


def _dimension(override: Override) -> Dimension:
    sweep: Any = override.value()
    key = override.get_key_element()
    tags = set(getattr(sweep, "tags", ()))
    conditions = {}
    for tag in tags - {_LOG}:
        name, equals, allowed = tag.removeprefix(_IF).partition("=")
        if not tag.startswith(_IF) or not equals:
            raise UsageError(f'a tag must be log or "if <key>=<value>|<value>", got {tag} for {key}; change the tag')
        conditions[name.strip()] = frozenset(value.strip() for value in allowed.split("|"))
    is_choice = not isinstance(sweep, IntervalSweep | RangeSweep)
    texts = tuple(override.sweep_string_iterator()) if is_choice else ()
    if is_choice and not isinstance(sweep, ChoiceSweep):
        sweep = ChoiceSweep(list=list(texts))
    return Dimension(key=key, sweep=sweep, texts=texts, log=_LOG in tags, conditions=conditions)


def _bounds(sweep: IntervalSweep | RangeSweep) -> tuple[Any, Any, Any]:
    """Lowest and highest value, both included, and the step between values; None for none."""
    if isinstance(sweep, IntervalSweep):
        return sweep.start, sweep.end, None
    if sweep.start is None or sweep.stop is None:
        raise UsageError("a range must have a start and a stop; write range(start, stop, step)")
    # Like Python's, a range excludes its stop.
    values = list(sweep.range())
    return values[0], values[-1], sweep.step


def _name(key: str) -> str:
    return key.lstrip("+")
