"""Several networks in one estimator: each as it would be alone, and their mean as the answer."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from perceptron.estimators import PerceptronClassifier, PerceptronRegressor
from perceptron.networks import MLP, TabM

CHECKED = [
    PerceptronClassifier((10,), max_epochs=25, learning_rate=0.05, n_members=2),
    PerceptronRegressor((10,), max_epochs=25, learning_rate=0.05, n_members=2),
]


@parametrize_with_checks(CHECKED)
def test_scikit_learns_own_checks(estimator, check) -> None:
    check(estimator)


def _alone(estimator, X, y, n_members: int):  # noqa: N803
    """The members, each fitted by itself: one generator draws their seeds in turn."""
    state = np.random.RandomState(0)
    return [type(estimator)(**estimator.get_params() | {"n_members": 1, "random_state": state}).fit(X, y)
            for _ in range(n_members)]  # fmt: skip


@pytest.mark.parametrize("settings", [{}, {"val_fraction": 0.2, "patience": 2}, {"dropout": 0.3}])
@pytest.mark.parametrize("load", [load_iris, load_breast_cancer])
def test_probabilities_are_the_mean_of_each_alone(load, settings) -> None:
    X, y = load(return_X_y=True)  # noqa: N806
    ensemble = PerceptronClassifier((8,), max_epochs=12, learning_rate=0.05, n_members=3, random_state=0, **settings)
    ensemble.fit(X, y)
    alone = _alone(ensemble, X, y, 3)
    probabilities = [each.predict_proba(X) for each in alone]
    assert np.abs(probabilities[0] - probabilities[1]).max() > 0.01
    np.testing.assert_allclose(ensemble.predict_proba(X), np.mean(probabilities, axis=0), atol=1e-6)
    assert ensemble.n_iter_ == max(each.n_iter_ for each in alone)


def test_values_are_the_mean_of_each_alone() -> None:
    X, y = load_diabetes(return_X_y=True)  # noqa: N806
    ensemble = PerceptronRegressor((8,), max_epochs=12, val_fraction=0.3, n_members=3, random_state=0).fit(X, y)
    values = [each.predict(X) for each in _alone(ensemble, X, y, 3)]
    np.testing.assert_allclose(ensemble.predict(X), np.mean(values, axis=0), rtol=1e-6)


def test_weights_of_rows_count_for_every_member() -> None:
    X, y = load_iris(return_X_y=True)  # noqa: N806
    weights = np.where(y == 1, 5.0, 1.0)
    ensemble = PerceptronClassifier((8,), max_epochs=5, learning_rate=0.05, n_members=2, random_state=0)
    weighted = ensemble.fit(X, y, sample_weight=weights).predict_proba(X)
    state = np.random.RandomState(0)
    alone = PerceptronClassifier((8,), max_epochs=5, learning_rate=0.05, random_state=state)
    means = np.mean([alone.fit(X, y, sample_weight=weights).predict_proba(X) for _ in range(2)], axis=0)
    np.testing.assert_allclose(weighted, means, atol=1e-6)
    assert np.abs(weighted - ensemble.fit(X, y).predict_proba(X)).max() > 0.01


def test_a_copy_in_another_process_predicts_the_same() -> None:
    X, y = load_iris(return_X_y=True)  # noqa: N806
    fitted = PerceptronClassifier(max_epochs=2, n_members=2, random_state=0).fit(X, y)
    copy = pickle.loads(pickle.dumps(fitted))  # noqa: S301
    assert (copy.predict_proba(X) == fitted.predict_proba(X)).all()


def test_a_member_that_diverges_is_said() -> None:
    X, y = load_diabetes(return_X_y=True)  # noqa: N806
    wrong = PerceptronRegressor(optimizer="sgd", learning_rate=1e30, max_epochs=3, n_members=2)
    with pytest.raises(ValueError, match=r"stay finite, got learning_rate=1e\+30 diverging; lower learning_rate"):
        wrong.fit(X, y)


def test_a_network_of_ones_own_side_by_side_or_one_by_one() -> None:
    X, y = load_iris(return_X_y=True)  # noqa: N806
    settings = {"max_epochs": 15, "learning_rate": 0.05, "n_members": 2, "random_state": 0}
    own = PerceptronClassifier(network=partial(MLP, hidden=(8,)), **settings)
    same = PerceptronClassifier((8,), **settings)
    assert (cross_val_score(own, X, y, cv=3) == cross_val_score(same, X, y, cv=3)).all()
    # Its dropout is none that many networks could draw at once.
    tabm = PerceptronClassifier(network=partial(TabM, members=4, width=8, blocks=1), **settings).fit(X, y)
    assert tabm.model_.network(tabm.model_.standardize(_tensor(X[:5]))).shape == (5, 8, 3)
    assert tabm.score(X, y) > 0.9


def _tensor(rows: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(rows)
