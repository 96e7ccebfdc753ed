"""What the lecture notebook gets wrong, beside what is done here. docs/from-the-notebook.md names these tests."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from perceptron.data import TableDataModule, as_table
from perceptron.models import BinaryClassifier, MulticlassClassifier, Standardize
from perceptron.networks import MLP

PLAIN = Standardize([0.0], [1.0])


def test_swapped_arguments_of_the_binary_cross_entropy() -> None:
    probabilities, target = torch.tensor([0.63, 0.37]), torch.tensor([0.0, 1.0])
    swapped = nn.BCELoss()(target, probabilities)
    # torch clamps log 0 to -100, so the swapped loss is 100 times a mean probability, whatever the model says.
    assert swapped.item() == pytest.approx(50, abs=15)
    assert nn.BCELoss()(torch.tensor([0.0, 0.0, 1.0]), torch.tensor([0.37, 0.37, 0.63])).item() == pytest.approx(
        37, abs=0.1
    )
    module = BinaryClassifier(network=nn.Identity(), standardize=PLAIN)
    losses = module.row_losses(torch.logit(probabilities).unsqueeze(1), target.long())
    torch.testing.assert_close(losses.mean(), nn.BCELoss()(probabilities, target))


def test_labels_of_classes_are_whole_numbers() -> None:
    outputs = torch.zeros(2, 3)
    with pytest.raises(RuntimeError, match="Long"):
        nn.CrossEntropyLoss()(outputs, torch.tensor([0.0, 2.0]))
    assert as_table(load_digits()).target.dtype == np.int64


def test_the_largest_of_each_row_not_of_the_batch() -> None:
    outputs = torch.tensor([[3.0, 1.0], [0.0, 5.0]])
    assert outputs.argmax().item() == 3
    module = MulticlassClassifier(network=nn.Identity(), standardize=PLAIN)
    assert module.predict(outputs).labels.tolist() == [0, 1]


def test_default_hidden_layers_do_not_grow_from_one_network_to_the_next() -> None:
    def notebook_layers(sizes=[]):  # noqa: B006
        sizes.append(10)
        return sizes

    assert [len(notebook_layers()), len(notebook_layers())] == [1, 2]
    assert len(MLP(n_features=3, n_outputs=1)) == len(MLP(n_features=3, n_outputs=1)) == 1


def test_standardisation_knows_no_row_that_is_tested_on() -> None:
    datamodule = TableDataModule(dataset=load_digits)
    pixels, train = datamodule.table.features, datamodule.split.train
    np.testing.assert_allclose(datamodule.features_scaling.mean, pixels[train].mean(axis=0, dtype=np.float64))
    assert np.abs(datamodule.features_scaling.mean - pixels.mean(axis=0, dtype=np.float64)).max() > 0.01


def test_the_score_is_of_held_out_rows(composed, tmp_path: Path) -> None:
    from perceptron.composition.train import train

    train(*composed("model=digits_mlp", "trainer.max_epochs=40", "callbacks=none", "logger=none"))
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["train/acc"] == 1.0
    assert metrics["test/acc"] < 1.0
