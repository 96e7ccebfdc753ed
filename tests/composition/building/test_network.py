"""A network of one's own gets of the settings and of the data what it takes."""

import json
from typing import Any

import pytest
from torch import nn

from perceptron.composition.building.network import build_network
from perceptron.data import TableSchema
from perceptron.errors import UsageError
from perceptron.models import Ensemble
from perceptron.networks import MLP, CategoryEmbeddings

CODES = (
    {"column": "x", "kind": "number", "missing": True, "fill": 0.0},
    {"column": "c", "kind": "category", "missing": True, "values": ["a", "b"], "other": True},
    {"column": "d", "kind": "date", "missing": False, "parts": {"year": 2020.0, "month": 1.0}},
    {"column": "e", "kind": "category", "missing": False, "values": ["u", "v"], "other": False},
)
SCHEMA = TableSchema(
    task="regression",
    feature_names=("x", "x=missing", "c=a", "c=b", "c=other", "c=missing", "d.year", "d.month", "e=u", "e=v"),
    class_names=(),
    target_names=("y",),
    encoding=tuple(map(json.dumps, CODES)),
)
PLACES = [[2, 6], [8, 10]]


class Own(nn.Linear):
    """Knows nothing but its shape."""

    def __init__(self, *, n_features: int, n_outputs: int) -> None:
        super().__init__(n_features, n_outputs)


class Telling(nn.Linear):
    """Keeps what it is told."""

    def __init__(self, *, n_features: int, n_outputs: int, category_places: Any, dropout: float) -> None:
        super().__init__(n_features, n_outputs)
        self.told = category_places, dropout


class Anything(nn.Linear):
    """Takes whatever there is."""

    def __init__(self, *, n_features: int, n_outputs: int, **settings: Any) -> None:
        super().__init__(n_features, n_outputs)
        self.told = settings


def _named(kind: type, **more: Any) -> dict[str, Any]:
    return {"_target_": f"{kind.__module__}.{kind.__name__}", **more}


def test_each_network_gets_what_it_takes() -> None:
    assert isinstance(build_network(_named(Own), SCHEMA, n_outputs=1), Own)
    assert build_network(_named(Telling, dropout=0.5), SCHEMA, n_outputs=1).told == (PLACES, 0.5)
    assert build_network(_named(Anything, hidden=[5]), SCHEMA, n_outputs=1).told == {"hidden": [5]}


def test_members_of_an_ensemble_are_told_too() -> None:
    member = _named(MLP, categories="embedding", _partial_=True)
    settings = {"_target_": f"{Ensemble.__module__}.{Ensemble.__name__}", "networks": [member, member]}
    network = build_network(settings, SCHEMA, n_outputs=1)
    for each in network.members:
        assert isinstance(each.network[0], CategoryEmbeddings)
        assert each.network[0].places == ((2, 6), (8, 10))


def test_what_a_network_cannot_do_is_one_line() -> None:
    with pytest.raises(UsageError, match="unexpected keyword argument 'heads'"):
        build_network(_named(Own, heads=2), SCHEMA, n_outputs=1)
