"""The estimators obey scikit-learn's conventions, by its own checks."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_linnerud, make_classification
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from perceptron.estimators import PerceptronClassifier, PerceptronRegressor

# Few epochs: the checks are on conventions, and a few ask for a little accuracy.
CHECKED = [
    PerceptronClassifier((10,), max_epochs=25, learning_rate=0.05),
    PerceptronRegressor((10,), max_epochs=25, learning_rate=0.05),
]


@parametrize_with_checks(CHECKED)
def test_scikit_learns_own_checks(estimator, check) -> None:
    check(estimator)


def test_weights_that_cannot_be_are_refused() -> None:
    X, y = load_iris(return_X_y=True)  # noqa: N806
    for weights in (np.zeros(150), np.ones(149), -np.ones(150), np.ones((150, 2))):
        with pytest.raises(ValueError, match=r"[Ss]ample.weight|inconsistent numbers of samples"):
            PerceptronClassifier(max_epochs=1).fit(X, y, sample_weight=weights)


def test_two_lines_learn() -> None:
    X, y = load_breast_cancer(return_X_y=True)  # noqa: N806
    scores = cross_val_score(PerceptronClassifier(max_epochs=30, random_state=0), X, y, cv=3)
    assert scores.mean() > 0.95
    X, y = load_diabetes(return_X_y=True)  # noqa: N806
    scores = cross_val_score(PerceptronRegressor(max_epochs=30, learning_rate=0.01, random_state=0), X, y, cv=3)
    assert scores.mean() > 0.4


def test_a_grid_search_clones_it_and_refits_the_best() -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)  # noqa: N806
    search = GridSearchCV(
        PerceptronClassifier(learning_rate=0.03, random_state=0), {"hidden": [(), (8,)], "max_epochs": [1, 20]}, cv=3
    )
    search.fit(X, y)
    assert search.best_params_["max_epochs"] == 20
    assert search.best_score_ > 0.9
    assert list(search.best_estimator_.feature_names_in_) == list(X.columns)
    assert search.best_estimator_.model_.network[0].in_features == 4


def test_scikit_learn_chooses_its_threshold() -> None:
    X, y = make_classification(400, weights=[0.9], flip_y=0.1, random_state=0)  # noqa: N806
    model = PerceptronClassifier((), max_epochs=10, learning_rate=0.05, random_state=0)
    tuned = TunedThresholdClassifierCV(model, cv=3, random_state=0).fit(X[:300], y[:300])
    plain = model.fit(X[:300], y[:300])
    assert 0 < tuned.best_threshold_ < 0.5
    labels, of_half = tuned.predict(X[300:]), plain.predict(X[300:])
    assert balanced_accuracy_score(y[300:], labels) > balanced_accuracy_score(y[300:], of_half)


def test_several_targets_keep_their_shape_and_units() -> None:
    X, y = load_linnerud(return_X_y=True)  # noqa: N806
    regressor = PerceptronRegressor((), max_epochs=400, learning_rate=0.03, patience=None, random_state=0).fit(X, y)
    assert regressor.predict(X).shape == (20, 3)
    # Least squares itself reaches 0.2968 on these rows.
    assert r2_score(y, regressor.predict(X)) == pytest.approx(0.2968, abs=5e-4)
    assert regressor.fit(X, y[:, :1]).predict(X).shape == (20, 1)
    assert regressor.fit(X, y[:, 0]).predict(X).shape == (20,)


def test_labels_of_any_kind_and_their_probabilities() -> None:
    data = load_iris()
    names = data.target_names[data.target]
    fitted = PerceptronClassifier(learning_rate=0.02, max_epochs=20, random_state=0).fit(data.data, names)
    assert list(fitted.classes_) == ["setosa", "versicolor", "virginica"]
    probabilities = fitted.predict_proba(data.data)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (fitted.classes_[probabilities.argmax(axis=1)] == fitted.predict(data.data)).all()
    assert fitted.score(data.data, names) > 0.9


def test_random_state_says_it_all_and_torchs_generator_is_left_alone() -> None:
    X, y = load_iris(return_X_y=True)  # noqa: N806
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    fits = [PerceptronClassifier((5,), dropout=0.1, max_epochs=2, random_state=state).fit(X, y) for state in (3, 3, 4)]
    assert (torch.random.get_rng_state() == before).all()
    answers = [fitted.predict_proba(X) for fitted in fits]
    assert (answers[0] == answers[1]).all()
    assert (answers[0] != answers[2]).any()
    np.random.seed(1)  # noqa: NPY002
    drawn = [PerceptronClassifier((5,), max_epochs=1).fit(X, y).predict_proba(X) for _ in range(2)]
    assert (drawn[0] != drawn[1]).any()


def test_held_out_rows_stop_it_and_pick_the_weights() -> None:
    X, y = load_breast_cancer(return_X_y=True)  # noqa: N806
    settings = {"learning_rate": 0.1, "val_fraction": 0.3, "max_epochs": 60, "random_state": 0}
    stopped = PerceptronClassifier(patience=3, **settings).fit(X, y)
    assert stopped.n_iter_ < 60
    # With the weights of its best epoch it does as on the day: the same epochs and no more give the same weights.
    again = PerceptronClassifier(patience=None, **settings | {"max_epochs": stopped.n_iter_}).fit(X, y)
    assert (stopped.predict_proba(X) == again.predict_proba(X)).all()
    fewer = PerceptronClassifier(patience=None, **settings | {"max_epochs": 1}).fit(X, y)
    assert (stopped.predict_proba(X) != fewer.predict_proba(X)).any()


def test_weights_count_rows_in_batches_too() -> None:
    X = np.zeros((400, 1))  # noqa: N806
    y = np.arange(400) % 2
    weights = np.where(y == 1, 3.0, 1.0)
    fitted = PerceptronClassifier((), learning_rate=0.05, batch_size=50, max_epochs=60, patience=None, random_state=0)
    assert fitted.fit(X, y).predict_proba(X)[0, 1] == pytest.approx(0.5, abs=0.03)
    assert fitted.fit(X, y, sample_weight=weights).predict_proba(X)[0, 1] == pytest.approx(0.75, abs=0.03)
    fitted.set_params(class_weight={0: 1, 1: 3})
    assert fitted.fit(X, y).predict_proba(X)[0, 1] == pytest.approx(0.75, abs=0.03)


def test_a_copy_in_another_process_predicts_the_same() -> None:
    X, y = load_iris(return_X_y=True)  # noqa: N806
    fitted = PerceptronClassifier(max_epochs=2, random_state=0).fit(pd.DataFrame(X, columns=list("abcd")), y)
    copy = pickle.loads(pickle.dumps(fitted))  # noqa: S301
    frame = pd.DataFrame(X, columns=list("abcd"))
    assert (copy.predict_proba(frame) == fitted.predict_proba(frame)).all()
    assert clone(fitted).get_params() == fitted.get_params()
    with pytest.raises(ValueError, match="feature names"):
        copy.predict(frame.rename(columns={"a": "z"}))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hidden": (0,)}, "hidden must be widths of at least 1, got (0,); set hidden"),
        ({"learning_rate": -1}, "learning_rate must be above 0, got -1; set learning_rate"),
        ({"optimizer": "lbfgs"}, "optimizer must be one of adam, adamw, sgd, got 'lbfgs'; set optimizer"),
        ({"val_fraction": 1.0}, "val_fraction must be in [0, 1), got 1.0; set val_fraction"),
        ({"optimizer": "sgd", "learning_rate": 1e30}, "training must stay finite, got learning_rate=1e+30 diverging; "
         "lower learning_rate"),
    ],
)  # fmt: skip
def test_parameters_that_cannot_be_are_named(wrong, message: str) -> None:
    X, y = load_diabetes(return_X_y=True)  # noqa: N806
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        PerceptronRegressor(**{"max_epochs": 3} | wrong).fit(X, y)
    assert str(caught.value) == message
