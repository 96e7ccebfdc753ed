"""Parts of a configuration, each checked by the signature of its ``_target_``. Imports nothing heavy."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from perceptron.composition.settings.argument_types import Argument, Signature, described, fits
from perceptron.composition.settings.known_targets import AUTO, ESTIMATOR
from perceptron.composition.settings.own_parts import PASSED_TO_MODELS
from perceptron.composition.settings.schema import constraints_of_target
from perceptron.composition.settings.schema.constraints import Constraint, check_constraint
from perceptron.composition.settings.signatures import signature_of
from perceptron.composition.settings.template_names import name_here
from perceptron.errors import UsageError
from perceptron.spelling import did_you_mean

# Settings of Hydra's instantiate.
OF_HYDRA = ("_target_", "_partial_", "_convert_", "_recursive_", "_args_")
# Groups whose entries are parts; other groups are one part each.
ENTRIES = ("callbacks", "logger", "metrics")
# What the project passes to every class or function at a place, and to subclasses of its own: never set.
_PASSED_AT: Mapping[str, tuple[str, ...]] = {
    "optimizer": ("params",),
    "scheduler": ("optimizer", "max_epochs"),
    "model.network": ("n_features", "n_outputs", "category_places", "flags"),
    "trainer": ("callbacks", "logger"),
}
_OF_MODELS = ("standardize", "standardize_target", "metrics", "task_metrics", "seed")
_PASSED_TO: Mapping[str, tuple[str, ...]] = {
    "perceptron.models.TaskModule": (*_OF_MODELS, "optimizer", "schedule"),
    ESTIMATOR: (*_OF_MODELS, "task", "n_classes"),
    "perceptron.data.TableDataModule": ("known", "looks"),
}
# What the project passes where it is not set and the target takes it.
_FILLED_IN: Mapping[str, tuple[str, ...]] = {
    "scheduler": ("total_steps",),
    "model": PASSED_TO_MODELS,
    "metrics": ("task", "num_classes", "num_outputs"),
}
# Settings of the project's own beside the arguments.
_BESIDE: Mapping[str, Mapping[str, Argument]] = {
    AUTO: {"threshold": Argument(float | str | None)},
    "lightning.Trainer": {"num_threads": Argument(Any)},
}


def check_parts(values: Mapping[str, Any], *, checked: Mapping[str, Any] = MappingProxyType({})) -> None:
    """Check the parts of a configuration that ``fit_to_targets`` has seen, and all parts within them.

    Args:
        values: the whole configuration, resolved.
        checked: a configuration that was found right; parts that are the same objects as its own are passed over.

    Raises:
        UsageError: for the first argument that its target does not take, is of another type, breaks a constraint or is
            missing, and for a target that cannot be imported.
    """
    for group in ("data", "model", "optimizer", "scheduler", "trainer"):
        if values.get(group) and values[group] is not checked.get(group):
            check_part(values[group], group)
    for group in ENTRIES:
        known = checked.get(group) or {}
        for name, part in (values.get(group) or {}).items():
            if part is not None and part is not known.get(name):
                _check_entry(part, f"{group}.{name!s}", values[group])
                check_part(part, f"{group}.{name!s}")


def check_part(part: Mapping[str, Any], key: str) -> None:
    """Check one part, and all parts within it.

    Args:
        part: plain values.
        key: of the part, for messages.

    Raises:
        UsageError: see ``check_parts``.
    """
    target = part.get("_target_")
    names = [str(name) for name in part if name not in OF_HYDRA]
    if not isinstance(target, str):
        if names:
            raise UsageError(f"there is no setting {key}.{names[0]} without {key}._target_; set {key}=<option> too")
        return
    constraints = constraints_of_target(target, _signature(target, key).bases)
    _check_arguments(part, key, constraints)
    for name, constraint in constraints.items():
        check_constraint(f"{key}.{name}", part.get(name), constraint)
    for name in names:
        for nested in _nested(part.get(name)):
            check_part(nested, f"{key}.{name}")


def takeable(target: str, key: str) -> tuple[Mapping[str, Argument], bool]:
    """The arguments of a target that can be set, and whether it may take others.

    Raises:
        UsageError: where it cannot be imported.
    """
    signature = _signature(target, key)
    of_bases = [_PASSED_TO.get(name, ()) for name in (target, *signature.bases)]
    passed = {*_PASSED_AT.get(key, ()), *(name for names in of_bases for name in names)}
    arguments = {name: each for name, each in signature.arguments.items() if name not in passed}
    return {**arguments, **_BESIDE.get(target, {})}, signature.takes_any


def _signature(target: str, key: str) -> Signature:
    return signature_of(target, key) or Signature({}, takes_any=True)


def _check_arguments(part: Mapping[str, Any], key: str, constraints: Mapping[str, Constraint]) -> None:
    arguments, takes_any = takeable(part["_target_"], key)
    for name, value in part.items():
        if name in OF_HYDRA:
            continue
        own = f"{key}.{name!s}"
        if name not in arguments:
            if takes_any:
                continue
            # By the name alone: with the group before it, any two names look alike.
            near = did_you_mean(str(name), arguments).replace("did you mean ", f"did you mean {key}.")
            raise UsageError(f"there is no setting {own}; {name_here(own) or near}")
        hint = arguments[name].hint
        if "Literal" in str(hint) and name in constraints:
            # The list of words in the order of the constraint.
            check_constraint(own, value, constraints[name])
        # Of an unknown direction, check_monitors says what to set.
        if not fits(value, hint) and not (name == "mode" and value is None):
            shown = "null" if value is None else repr(value)
            raise UsageError(f"{own} must be {described(hint)}, got {shown}; set {own}")
    # Such as an optimizer for a user's LightningModule, which gives it the parameters.
    is_completed_later = part.get("_partial_") is True and key not in _PASSED_AT
    if "_args_" in part or is_completed_later:
        return
    # Parts within a part may get what it gets.
    places = [place for place in (*_PASSED_AT, *_FILLED_IN) if f"{key}.".startswith(f"{place}.")]
    given = {*part, *(name for place in places for name in (*_PASSED_AT.get(place, ()), *_FILLED_IN.get(place, ())))}
    for name, argument in arguments.items():
        if argument.is_required and name not in given:
            raise UsageError(f"{key}.{name} is required; type {key}.{name}=<value>")


def _check_entry(part: Any, key: str, group: Mapping[str, Any]) -> None:
    """Refuse an entry of a group without a ``_target_``, which may be a misspelt one."""
    if isinstance(part, Mapping) and isinstance(part.get("_target_"), str):
        return
    place, _, name = key.partition(".")
    near = near_entry(name, group)
    if isinstance(part, Mapping) and near:
        raise UsageError(f"there is no setting {key}; did you mean {place}.{near}?")
    raise UsageError(f"{key} must be settings with a _target_, or null, got {part}; change it")


def near_entry(name: str, group: Mapping[str, Any]) -> str | None:
    """The entry of a group that a misspelt name may mean."""
    near = did_you_mean(name, [str(other) for other in group if str(other) != name])
    return near.removeprefix("did you mean ").removesuffix("?") if near.startswith("did you mean") else None


def _nested(value: Any) -> Iterator[Mapping[str, Any]]:
    """The parts in an argument, at any depth of lists and mappings."""
    if isinstance(value, Mapping):
        if "_target_" in value:
            yield value
        else:
            for item in value.values():
                yield from _nested(item)
    elif isinstance(value, list):
        for item in value:
            yield from _nested(item)
