"""What this project's models learn of a user's data module."""

from typing import Any

import lightning as L
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from perceptron.composition.building.own_parts import check_batch, facts_of, own_schema
from perceptron.errors import UsageError


class _Rows(L.LightningDataModule):
    """Learns the numbers of its columns from its rows."""

    def __init__(self, features: Any, target: Any, **facts: Any) -> None:
        super().__init__()
        self.rows, self.facts = TensorDataset(features, target), facts

    def setup(self, stage: str) -> None:  # noqa: ARG002
        vars(self).update(self.facts)

    def train_dataloader(self) -> Any:
        return DataLoader(self.rows, batch_size=4, shuffle=True)


FEATURES, CLASSES, VALUES = torch.zeros(8, 3), torch.arange(8) % 2, torch.zeros(8, 1)


@pytest.mark.parametrize(
    ("facts", "task", "n_outputs"),
    [
        ({"n_features": 3, "n_classes": 2}, "binary", 1),
        ({"n_features": 3, "n_classes": 4}, "multiclass", 4),
        ({"n_features": 3, "n_targets": 2}, "regression", 2),
    ],
)
def test_the_attributes_tell_the_task(facts: dict[str, int], task: str, n_outputs: int) -> None:
    data = _Rows(FEATURES, CLASSES, **facts)
    schema = own_schema(data, "mine.Data")
    assert (schema.task, schema.n_features) == (task, 3)
    assert facts_of(data)["n_outputs"] == n_outputs


@pytest.mark.parametrize(
    ("facts", "missing"),
    [
        ({}, "n_features"),
        ({"n_features": 3}, "n_classes"),
        ({"n_features": 3, "n_classes": "two"}, "n_classes"),
        ({"n_features": 3, "n_classes": 1}, "two classes"),
    ],
)
def test_a_missing_attribute_is_named(facts: dict[str, Any], missing: str) -> None:
    with pytest.raises(UsageError, match=f"got mine.Data without {missing}; give it the attributes"):
        own_schema(_Rows(FEATURES, CLASSES, **facts), "mine.Data")


@pytest.mark.parametrize(
    ("features", "target", "facts", "got"),
    [
        (FEATURES, CLASSES, {"n_features": 4, "n_classes": 2}, r"\(4, 3\) float32 and \(4,\) int64"),
        (FEATURES.double(), CLASSES, {"n_features": 3, "n_classes": 2}, r"\(4, 3\) float64 and .*"),
        (FEATURES, CLASSES.float(), {"n_features": 3, "n_classes": 2}, r"and \(4,\) float32"),
        (FEATURES, CLASSES + 5, {"n_features": 3, "n_classes": 2}, r"and \(4,\) int64"),
        (FEATURES, VALUES[:, 0], {"n_features": 3, "n_targets": 1}, r"and \(4,\) float32"),
    ],
)
def test_a_batch_of_another_form_is_refused(features: Any, target: Any, facts: dict[str, int], got: str) -> None:
    data = _Rows(features, target, **facts)
    with pytest.raises(UsageError, match=f"must hold features .* got .*{got} from mine.Data"):
        check_batch(data, own_schema(data, "mine.Data"), "mine.Data")


def test_looking_at_a_batch_draws_nothing() -> None:
    data = _Rows(FEATURES, CLASSES, n_features=3, n_classes=2)
    torch.manual_seed(0)
    check_batch(data, own_schema(data, "mine.Data"), "mine.Data")
    after = torch.rand(())
    torch.manual_seed(0)
    assert torch.equal(after, torch.rand(()))
