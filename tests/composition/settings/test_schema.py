"""Constraints beside the types of settings, and where they are looked up."""

from collections.abc import Iterable
from dataclasses import fields

import pytest

from perceptron.composition.settings.checks import check
from perceptron.composition.settings.schema import SCHEMAS, TrainConf
from perceptron.composition.settings.schema.constraints import constraints_of
from perceptron.composition.settings.schema.model_schema import MLPConf, TabMConf
from perceptron.errors import UsageError
from perceptron.networks import ACTIVATIONS, CATEGORIES, EMBEDDINGS


# The settings are checked before torch is imported, so that the names stand there a second time.
@pytest.mark.parametrize(
    ("schema", "setting", "names"),
    [
        (MLPConf, "activation", ACTIVATIONS),
        (MLPConf, "categories", CATEGORIES),
        (TabMConf, "embeddings", EMBEDDINGS),
    ],
)
def test_a_networks_choices_are_those_that_the_networks_have(schema: type, setting: str, names: Iterable[str]) -> None:
    constraint = constraints_of(schema)[setting]
    assert sorted(constraint.rule.removeprefix("one of ").split(", ")) == sorted(names)
    assert all(constraint.holds(name) for name in names)


@pytest.mark.parametrize("schema", [TrainConf, *SCHEMAS.values()], ids=lambda schema: schema.__name__)
def test_the_defaults_of_a_schema_obey_its_constraints(schema: type) -> None:
    values = {field.name: field.default for field in fields(schema) if isinstance(field.default, int | float | str)}
    constraints = constraints_of(schema)
    assert all(
        constraint.holds(values[name])
        for name, constraint in constraints.items()
        if values.get(name) not in (None, "???")
    )


def test_a_part_without_a_schema_is_constrained_by_its_target(composed) -> None:
    top = "+callbacks.top._target_=lightning.pytorch.callbacks.ModelCheckpoint"
    cfg, _ = composed(top, "+callbacks.top.save_top_k=-2")
    with pytest.raises(UsageError, match=r"callbacks\.top\.save_top_k must be a whole number of at least 0, or -1"):
        check(cfg)
