from collections.abc import Iterable

import pytest
from perceptron.composition.settings.ranges import RANGES

from perceptron.networks import ACTIVATIONS, CATEGORIES, EMBEDDINGS


# The settings are checked before torch is imported, so that the names stand there a second time.
@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ("model.network.activation", ACTIVATIONS),
        ("model.network.categories", CATEGORIES),
        ("model.network.embeddings", EMBEDDINGS),
    ],
)
def test_a_networks_choices_are_those_that_the_networks_have(setting: str, names: Iterable[str]) -> None:
    told = RANGES[setting].rule.removeprefix("one of ").split(", ")
    assert sorted(told) == sorted(names)
    assert all(RANGES[setting].holds(name) for name in names)
