"""A class that is abstract cannot be made; one that lacks a method is found when it is made, not in its first epoch."""

import inspect
import re
from pathlib import Path

import pytest

from perceptron.estimators.base import Perceptron
from perceptron.models import TaskModule
from perceptron.models.evaluation import EvaluatedModule
from perceptron.population.stacked_layers import _Layer
from perceptron.population.stacked_network import StackedNetwork
from perceptron.population.stacked_optimizer import StackedOptimizer
from perceptron.population.stacked_optimizers import PerMemberOptimizer

ABSTRACT: list[type] = [
    EvaluatedModule,
    PerMemberOptimizer,
    Perceptron,
    StackedNetwork,
    StackedOptimizer,
    TaskModule,
    _Layer,
]


@pytest.mark.parametrize("cls", ABSTRACT)
def test_an_abstract_class_cannot_be_made(cls: type) -> None:
    with pytest.raises(TypeError, match="abstract"):
        cls()


def test_every_abstract_class_is_listed(root: Path) -> None:
    files = {
        file
        for file in (root / "src").rglob("*.py")
        if re.search(r"^ +@abstractmethod$", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert files == {Path(inspect.getfile(cls)) for cls in ABSTRACT}
