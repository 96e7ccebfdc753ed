"""Build the network of a configuration, which may be a user's class: it gets the settings and facts that it takes."""

from collections.abc import Mapping
from dataclasses import fields
from inspect import Parameter, signature
from typing import Any

from hydra.utils import get_object
from torch import nn

from perceptron.composition.building.instantiate import instance
from perceptron.composition.settings.schema import MLPConf, TabMConf
from perceptron.data import TableDataModule, TableSchema
from perceptron.errors import UsageError
from perceptron.models import TaskModule
from perceptron.networks import MOST_ROWS, TabM

# The settings in model.network of the project's own models, which remain where only _target_ is replaced.
_DEFAULTS = {field.name: field.default for kind in (TabMConf, MLPConf) for field in fields(kind)}
_DEFAULTS.pop("_target_")


def build_network(settings: Any, schema: TableSchema, *, n_outputs: int) -> nn.Module:
    """The network that plain settings name by ``_target_``.

    ``n_features`` and ``n_outputs`` are given to every network; ``category_places`` and ``flags``, as in ``TabM``, to
    each one, at any depth, that has parameters of these names.

    Args:
        settings: of ``model.network``.
        schema: what the data is.
        n_outputs: values that a row gets.

    Raises:
        UsageError: where there is no such network, or it does not take its settings.
    """
    known = _known_features(schema)

    def told(part: Any) -> Any:
        if isinstance(part, list):
            return [told(each) for each in part]
        if not isinstance(part, dict):
            return part
        part = {key: told(value) for key, value in part.items()}
        return _fitted(part, known) if isinstance(part.get("_target_"), str) else part

    network: nn.Module = instance(told(settings), "model.network", n_features=schema.n_features, n_outputs=n_outputs)
    return network


def fit_network(model: TaskModule, datamodule: TableDataModule) -> None:
    """Fit what a network reads off its training rows, where it does.

    Raises:
        UsageError: where they are too few.
    """
    if isinstance(model.network, TabM) and model.network.fits_bins:
        model.network.fit_bins(model.standardize(datamodule.rows("train", most=MOST_ROWS)[0]))


def _fitted(part: dict[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of one network, with the features it wants to know, and without those of the project's it has not."""
    try:
        takes = signature(get_object(part["_target_"])).parameters
    # It will be said when it is made; some callables have no signature.
    except (ImportError, ValueError, TypeError, AttributeError):
        return part
    if part.get("categories", "one_hot") != "one_hot" and "category_places" not in takes:
        raise UsageError(
            f"model.network.categories={part['categories']} needs a network that takes category_places, got "
            f"{part['_target_']}; leave model.network.categories out"
        )
    kept = {key: value for key, value in part.items() if key not in _DEFAULTS or _is_taken(key, value, takes)}
    return kept | {name: places for name, places in known.items() if places and name in takes}


def _is_taken(key: str, value: Any, takes: Mapping[str, Parameter]) -> bool:
    """Whether a network has a parameter; of one that takes any, whether the setting is not as it was anyway."""
    takes_any = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in takes.values())
    return key in takes or (takes_any and value != _DEFAULTS[key])


def _known_features(schema: TableSchema) -> dict[str, Any]:
    if not schema.encoding:
        return {}
    # Here, because it imports pandas.
    from perceptron.data.columns.encoding import category_places, flags, from_texts

    codes = from_texts(schema.encoding)
    return {"category_places": [list(place) for place in category_places(codes)], "flags": list(flags(codes))}
