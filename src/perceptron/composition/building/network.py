"""Build the network of a configuration, which may be a user's class: it gets the settings and facts that it takes."""

from typing import Any

from torch import nn

from perceptron.composition.building.instantiate import instance
from perceptron.composition.settings.signatures import signature_of
from perceptron.data import TableDataModule, TableSchema
from perceptron.models import TaskModule
from perceptron.networks import MOST_ROWS, TabM


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
        target = part.get("_target_")
        signature = signature_of(target, "model.network") if isinstance(target, str) else None
        takes = {} if signature is None else signature.arguments
        return part | {name: places for name, places in known.items() if places and name in takes}

    network: nn.Module = instance(told(settings), "model.network", n_features=schema.n_features, n_outputs=n_outputs)
    return network


def fit_network(model: TaskModule, datamodule: TableDataModule) -> None:
    """Fit what a network reads off its training rows, where it does.

    Raises:
        UsageError: where they are too few.
    """
    if isinstance(model.network, TabM) and model.network.fits_bins:
        model.network.fit_bins(model.standardize(datamodule.rows("train", most=MOST_ROWS)[0]))


def _known_features(schema: TableSchema) -> dict[str, Any]:
    if not schema.encoding:
        return {}
    # Here, because it imports pandas.
    from perceptron.data.columns.encoding import category_places, flags, from_texts

    codes = from_texts(schema.encoding)
    return {"category_places": [list(place) for place in category_places(codes)], "flags": list(flags(codes))}
