"""Each kind of model learns, as Lightning and scikit-learn users would check it, and without Hydra."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_linnerud
from sklearn.linear_model import LinearRegression, LogisticRegression

from perceptron.data import TableDataModule

pytestmark = [
    pytest.mark.filterwarnings("ignore::lightning.fabric.utilities.warnings.PossibleUserWarning"),
    pytest.mark.filterwarnings("ignore:Total length of `list` across ranks is zero"),
]


@pytest.mark.parametrize("load", [load_breast_cancer, load_iris, load_diabetes, load_linnerud])
@pytest.mark.parametrize("hidden", [(), (16,)])
def test_loss_halves(load, hidden, build, fit) -> None:
    datamodule = TableDataModule(dataset=load, batch_size=8)
    model = build(datamodule, hidden=hidden)
    losses = []
    for epochs in (1, 15):
        trainer = fit(model, datamodule, max_epochs=epochs)
        losses.append(trainer.callback_metrics["train/loss"].item())
    # Of the linear models' loss on noisy continuous targets only a part can go.
    assert losses[1] < losses[0] * (0.5 if datamodule.target_scaling is None else 0.95)


def test_logistic_regression_converges_to_scikit_learns(build, fit) -> None:
    # Two features overlap, so that the unregularised optimum is finite.
    def dataset():
        bunch = load_breast_cancer()
        bunch.data = bunch.data[:, :2]
        bunch.feature_names = bunch.feature_names[:2]
        return bunch

    datamodule = TableDataModule(dataset=dataset, batch_size=None, val_fraction=0)
    model = build(datamodule, lr=2.0)
    fit(model, datamodule, max_epochs=1500)
    rows = datamodule.split.train
    raw, target = datamodule.table.features[rows], datamodule.table.target[rows]
    scaling = datamodule.features_scaling
    reference = LogisticRegression(C=np.inf, tol=1e-10).fit((raw - scaling.mean) / scaling.scale, target)
    linear = model.network[0]
    np.testing.assert_allclose(linear.weight.detach(), reference.coef_, rtol=2e-4)
    np.testing.assert_allclose(linear.bias.detach(), reference.intercept_, rtol=2e-4)
    test = datamodule.table.features[datamodule.split.test]
    probabilities = model.predict(torch.from_numpy(test)).probabilities
    assert probabilities is not None
    expected = reference.predict_proba((test - scaling.mean) / scaling.scale)
    np.testing.assert_allclose(probabilities.detach(), expected, atol=1e-4)


def test_linear_regression_converges_to_least_squares(build, fit) -> None:
    def dataset():
        bunch = load_diabetes(scaled=False)
        return bunch.data[:, :4], bunch.target

    datamodule = TableDataModule(dataset=dataset, batch_size=None, val_fraction=0)
    model = build(datamodule, lr=0.3)
    fit(model, datamodule, max_epochs=100)
    rows = datamodule.split.train
    reference = LinearRegression().fit(datamodule.table.features[rows], datamodule.table.target[rows])
    test = datamodule.table.features[datamodule.split.test]
    predicted = model.predict(torch.from_numpy(test)).labels.detach().numpy()
    np.testing.assert_allclose(predicted, reference.predict(test), rtol=1e-4)


def test_the_same_seed_gives_the_same_weights_whatever_ran_before(build, fit) -> None:
    def weights(noise: int) -> torch.Tensor:
        datamodule = TableDataModule(dataset=load_iris, seed=3)
        model = build(datamodule, hidden=(8,))
        torch.manual_seed(noise)
        fit(model, datamodule, max_epochs=3)
        return torch.nn.utils.parameters_to_vector(model.network.parameters()).detach()

    assert torch.equal(weights(1), weights(2))
    assert weights(1).abs().sum() > 0
