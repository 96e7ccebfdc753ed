"""Parts of a configuration, each checked by the signature of its ``_target_``. Imports nothing heavy."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from typing import Any

from omegaconf import DictConfig, OmegaConf

from perceptron.composition.settings.argument_types import described, fits
from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.composition.settings.own_parts import KEPT, PASSED_TO_MODELS, is_own_part
from perceptron.composition.settings.own_settings import gather_own_settings
from perceptron.composition.settings.schema import SCHEMAS
from perceptron.composition.settings.signatures import signature_of
from perceptron.composition.settings.torch_signatures import SIGNATURES
from perceptron.errors import UsageError
from perceptron.files.plain_values import read_yaml
from perceptron.spelling import did_you_mean

# Groups whose settings are the arguments of their targets.
OPEN_GROUPS = ("optimizer", "scheduler")
_OF_TORCH = re.compile(r"torch\.optim\.(lr_scheduler\.)?[A-Z]\w*")
_OF_HYDRA = ("_target_", "_partial_", "_convert_", "_recursive_")
_MISSING = "???"
_PLATEAU = "torch.optim.lr_scheduler.ReduceLROnPlateau"
# As in conf/scheduler/plateau.yaml.
_FOLLOWED = {"monitor": "${monitor}", "mode": "${mode_of:${scheduler.monitor},${monitor},${mode},${metrics}}"}


def settle(cfg: DictConfig, hydra: Any) -> None:
    """Fit a composed configuration to the targets of its parts, in place.

    Where a part has another target than its option, the option's settings and the former target's defaults that the new
    target does not take are deleted; typed settings are kept. A schedule of torch that follows a metric follows the
    run's unless another is set.

    Args:
        cfg: composed by Hydra.
        hydra: the node ``hydra``: the options and what was typed.
    """
    gather_own_settings(cfg)
    # Unresolved, for the texts may hold interpolations.
    overrides: Any = OmegaConf.to_container(hydra.overrides.task, resolve=False)
    typed = {text.lstrip("+").partition("=")[0] for text in overrides}
    for group in ("data", "model"):
        _settle_own(cfg[group], group, typed)
    if "val_fraction" not in cfg.data and _refers_to_validation_share(cfg):
        # A user's data module is expected to have validation rows.
        cfg.monitor = "val/loss"
    for group in OPEN_GROUPS:
        part = cfg[group]
        target = None if OmegaConf.is_missing(part, "_target_") else part._target_
        arguments = signature_of(target) if isinstance(target, str) else None
        if arguments is None:
            continue
        values: Any = OmegaConf.to_container(part, resolve=False)
        for name, default in _defaults(part, group, str(hydra.runtime.choices.get(group))):
            is_default = f"{group}.{name}" not in typed and name in values and values[name] == default
            if is_default and not (name in arguments and _takes(arguments[name].hint, default)):
                values.pop(name)
                del part[name]
        if target == _PLATEAU:
            for name, default in _FOLLOWED.items():
                if name not in part:
                    part[name] = default


def _settle_own(part: DictConfig, group: str, typed: Collection[str]) -> None:
    """Leave this project's defaults out of the settings of a user's own part, which has its own.

    Args:
        part: the group ``data`` or ``model``.
        group: its name.
        typed: settings that were typed.
    """
    if OmegaConf.is_missing(part, "_target_") or not is_own_part(group, part._target_):
        return
    takes = signature_of(part._target_) or {}
    known = {field.name for path, kind in SCHEMAS.items() if path.startswith(f"{group}/") for field in fields(kind)}
    OmegaConf.set_struct(part, False)
    for name in known & {str(name) for name in part} - set(_OF_HYDRA):
        is_typed = any(key == f"{group}.{name}" or key.startswith(f"{group}.{name}.") for key in typed)
        if not is_typed and not (name in KEPT and name in takes):
            del part[name]


def _refers_to_validation_share(cfg: DictConfig) -> bool:
    """Whether the monitored metric follows from a setting of this project's tables, as it does unless it is set."""
    values: Any = OmegaConf.to_container(OmegaConf.masked_copy(cfg, ["monitor"]), resolve=False)
    return "data.val_fraction" in str(values["monitor"])


def check_parts(values: Mapping[str, Any]) -> None:
    """Check the parts of a configuration that ``settle`` has seen.

    Args:
        values: the whole configuration, resolved.

    Raises:
        UsageError: for the first argument that its target does not take, is of another type, or is missing.
    """
    for group in OPEN_GROUPS:
        _check_part(values[group], group)
    for group in ("data", "model"):
        if is_own_part(group, values[group].get("_target_")):
            _check_part(values[group], group, passed=PASSED_TO_MODELS if group == "model" else ())


def _check_part(part: Mapping[str, Any], key: str, *, passed: Collection[str] = ()) -> None:
    target = part.get("_target_")
    names = [str(name) for name in part if name not in _OF_HYDRA]
    if not isinstance(target, str):
        if names:
            raise UsageError(f"there is no setting {key}.{names[0]} without {key}._target_; set {key}=<option> too")
        return
    arguments = signature_of(target)
    if arguments is None:
        if _OF_TORCH.fullmatch(target):
            module = target.rpartition(".")[0]
            known = [name for name in SIGNATURES if name.rpartition(".")[0] == module]
            raise UsageError(f"there is no {target}; {did_you_mean(target, known)}")
        return
    for name in names:
        own = f"{key}.{name}"
        if name in passed:
            continue
        if name not in arguments:
            # By the name alone: with the group before it, any two names look alike.
            near = did_you_mean(name, arguments).replace("did you mean ", f"did you mean {key}.")
            raise UsageError(f"there is no setting {own}; {near}")
        value, hint = part[name], arguments[name].hint
        for nested in value if isinstance(value, list) else [value]:
            if isinstance(nested, Mapping) and "_target_" in nested:
                _check_part(nested, own)
        if not fits(value, hint):
            shown = "null" if value is None else repr(value)
            raise UsageError(f"{own} must be {described(hint)}, got {shown}; set {own}")
    for name, argument in arguments.items():
        if argument.is_required and name not in part and name not in passed:
            raise UsageError(f"{key}.{name} is required; type {key}.{name}=<value>")


def _takes(hint: Any, default: Any) -> bool:
    """Whether an argument may have a value; one that refers to another setting is not known yet."""
    return default == _MISSING or (isinstance(default, str) and "${" in default) or fits(default, hint)


def _defaults(part: DictConfig, group: str, option: str) -> Iterator[tuple[str, Any]]:
    """Settings that a part has from its schema and its option, if these are for another target."""
    schema: Any = OmegaConf.get_type(part)
    known: Any = OmegaConf.to_container(OmegaConf.structured(schema))
    file = CONF_DIR / group / f"{option}.yaml"
    of_option = read_yaml(file.read_text(encoding="utf-8")) if file.is_file() else {}
    for values in (known, known | of_option):
        if values["_target_"] != part._target_:
            yield from ((name, value) for name, value in values.items() if name not in (*_OF_HYDRA, "defaults"))
