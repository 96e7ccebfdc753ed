"""TabM: members trained on their own, answers averaged as probabilities or values."""

from functools import partial

import lightning as L
import pytest
import torch
from sklearn.datasets import load_diabetes, load_digits
from sklearn.metrics import accuracy_score, r2_score
from torch import nn

from perceptron.data import TableDataModule
from perceptron.models import BinaryClassifier, MulticlassClassifier, Regressor, Standardize
from perceptron.networks import EMBEDDINGS, TabM


@pytest.mark.parametrize("embeddings", EMBEDDINGS)
def test_its_members_answer_differently(embeddings: str) -> None:
    torch.manual_seed(0)
    network = TabM(n_features=5, n_outputs=3, members=4, width=16, embeddings=embeddings).eval()
    outputs = network(torch.randn(7, 5))
    assert outputs.shape == (7, 4, 3)
    assert (outputs.std(dim=1) > 0).all()
    assert len(network.ensemble.backbone.blocks) == (3 if embeddings == "none" else 2)


class Constant(nn.Module):
    """The same members for every row."""

    def __init__(self, members: list[list[float]]) -> None:
        super().__init__()
        self.members = nn.Parameter(torch.tensor(members))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.members.expand(len(features), *self.members.shape)


def _one(n: int = 1) -> Standardize:
    return Standardize(torch.zeros(n), torch.ones(n))


def test_the_answer_is_the_mean_probability() -> None:
    features = torch.zeros(2, 1)
    binary = BinaryClassifier(network=Constant([[3.0], [-1.0]]), standardize=_one()).eval()
    want = torch.tensor([3.0, -1.0]).sigmoid().mean()
    torch.testing.assert_close(binary.predict(features).probabilities[0, 1], want)
    several = MulticlassClassifier(network=Constant([[3.0, 0, 1], [-1.0, 2, 2]]), standardize=_one()).eval()
    want = torch.tensor([[3.0, 0, 1], [-1.0, 2, 2]]).softmax(dim=1).mean(dim=0)
    torch.testing.assert_close(several.predict(features).probabilities[0], want)
    values = Regressor(network=Constant([[3.0], [-1.0]]), standardize=_one(), standardize_target=_one()).eval()
    torch.testing.assert_close(values.predict(features).labels[0, 0], torch.tensor(1.0))


def test_each_member_is_trained_on_its_own_loss() -> None:
    target = torch.tensor([[0.0], [0.0]])
    model = Regressor(network=Constant([[3.0], [-1.0]]), standardize=_one(), standardize_target=_one()).train()
    losses, _ = model._training_losses(torch.zeros(2, 1), target)
    # The mean of 3² and 1², not the square of their mean.
    torch.testing.assert_close(losses, torch.tensor([5.0, 5.0]))
    losses.mean().backward()
    torch.testing.assert_close(model.network.members.grad, torch.tensor([[3.0], [-1.0]]))


@pytest.mark.parametrize("embeddings", ["none", "periodic"])
def test_it_learns(embeddings: str) -> None:
    for dataset, kind, score, at_least in (
        (load_digits, MulticlassClassifier, accuracy_score, 0.9),
        (load_diabetes, Regressor, r2_score, 0.15),
    ):
        torch.manual_seed(0)
        data = TableDataModule(dataset=dataset, batch_size=256)
        data.setup()
        scaling, of_target = data.features_scaling, data.target_scaling
        own = {} if of_target is None else {"standardize_target": Standardize(of_target.mean, of_target.scale)}
        network = TabM(
            n_features=data.schema.n_features,
            n_outputs=len(data.schema.class_names) or 1,
            members=4,
            width=32,
            embeddings=embeddings,
        )
        model = kind(
            network=network,
            standardize=Standardize(scaling.mean, scaling.scale),
            optimizer=partial(torch.optim.AdamW, lr=5e-3),
            **own,
        )
        trainer = L.Trainer(
            accelerator="cpu", max_epochs=12, logger=False, enable_checkpointing=False, enable_progress_bar=False
        )
        trainer.fit(model, datamodule=data)
        model.eval()
        answers = model.predict(torch.from_numpy(data.table.features[data.split.test])).labels.detach().numpy()
        assert score(data.table.target[data.split.test], answers) > at_least
