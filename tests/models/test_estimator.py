import math
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.datasets import load_diabetes, load_iris, load_linnerud
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    cohen_kappa_score,
    f1_score,
    log_loss,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.utils import compute_sample_weight
from torchmetrics import MeanAbsoluteError, MetricCollection
from torchmetrics.classification import BinaryAUROC, BinaryCohenKappa, BinaryHingeLoss, MulticlassStatScores

from perceptron.errors import UsageError
from perceptron.models import Estimator, Standardize
from perceptron.randomness import Stream, derive_seed
from perceptron.tasks import BINARY, MULTICLASS, REGRESSION, Task


def standardize(features: np.ndarray) -> Standardize:
    return Standardize(features.mean(axis=0), features.std(axis=0))


def wrapped(estimator: object, features: np.ndarray, task: Task, n_classes: int, seed: int = 0) -> Estimator:
    return Estimator(
        estimator=estimator,
        task=task,
        n_classes=n_classes,
        standardize=standardize(features),
        standardize_target=None,
        seed=seed,
    )


def tensors(features: np.ndarray, target: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(features.astype(np.float32)), torch.from_numpy(target)


def test_rows_are_weighted_as_scikit_learn_does() -> None:
    features, target = load_iris(return_X_y=True)
    features, target = features[40:130], target[40:130]
    factors = compute_sample_weight("balanced", target)
    model = wrapped(LogisticRegression(), features, MULTICLASS, 3)

    model.fit(*tensors(features, target), torch.from_numpy(factors))

    reference = LogisticRegression(class_weight="balanced")
    reference.fit(StandardScaler().fit_transform(features), target)
    np.testing.assert_allclose(model.estimator.coef_, reference.coef_, atol=1e-3)
    unweighted = LogisticRegression().fit(StandardScaler().fit_transform(features), target)
    assert np.abs(unweighted.coef_ - reference.coef_).max() > 0.05


def test_weights_that_an_estimator_does_not_take_are_refused() -> None:
    features, target = load_iris(return_X_y=True)
    model = wrapped(KNeighborsClassifier(), features, MULTICLASS, 3)
    with pytest.raises(UsageError, match=r"must take sample_weight in fit .* got KNeighborsClassifier"):
        model.fit(*tensors(features, target), torch.ones(len(target)))


def test_classes_are_measured_as_scikit_learn_does() -> None:
    features, target = load_iris(return_X_y=True)
    model = wrapped(LogisticRegression(), features, MULTICLASS, 3)
    model.fit(*tensors(features, target))
    found = model.metrics(*tensors(features, target))
    reference = make_pipeline(StandardScaler(), LogisticRegression()).fit(features, target)
    probabilities = reference.predict_proba(features)
    assert found["acc"] == pytest.approx(accuracy_score(target, reference.predict(features)))
    assert found["log_loss"] == pytest.approx(log_loss(target, probabilities), rel=1e-4)
    assert found["loss"] == found["log_loss"]
    assert found["auroc"] == pytest.approx(roc_auc_score(target, probabilities, multi_class="ovr"), rel=1e-5)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_without_probabilities_the_decisions_are_measured(n_classes: int) -> None:
    features, target = load_iris(return_X_y=True)
    features, target = features[target < n_classes][:, :2], target[target < n_classes]
    model = wrapped(LinearSVC(), features, BINARY if n_classes == 2 else MULTICLASS, n_classes)
    model.fit(*tensors(features, target))
    found = model.metrics(*tensors(features, target))
    reference = model.estimator
    inputs = model.standardize(torch.from_numpy(features.astype(np.float32))).numpy()
    labels, scores = reference.predict(inputs), reference.decision_function(inputs)
    assert found["acc"] == pytest.approx(accuracy_score(target, labels))
    assert found["f1"] == pytest.approx(f1_score(target, labels, average="binary" if n_classes == 2 else "macro"))
    if n_classes == 2:
        area = roc_auc_score(target, scores)
    else:
        area = np.mean([roc_auc_score(target == label, scores[:, label]) for label in range(3)])
    assert found["auroc"] == pytest.approx(area, rel=1e-5)
    assert found["balanced_acc"] == pytest.approx(balanced_accuracy_score(target, labels))
    precision = average_precision_score(target, scores)
    assert found["average_precision"] == pytest.approx(precision, rel=1e-5)
    assert {*found} == {*model.task.metrics}
    assert math.isnan(found["loss"])
    assert math.isnan(found["ece"])


def test_values_are_measured_in_their_units() -> None:
    features, target = load_diabetes(return_X_y=True)
    column = target.astype(np.float32)[:, None]
    model = Estimator(
        estimator=Ridge(),
        task=REGRESSION,
        n_classes=0,
        standardize=standardize(features),
        standardize_target=standardize(column),
        seed=0,
    )
    model.fit(*tensors(features, column))
    found = model.metrics(*tensors(features, column))
    reference = make_pipeline(StandardScaler(), Ridge()).fit(features, target)
    rmse = root_mean_squared_error(target, reference.predict(features))
    assert found["rmse"] == pytest.approx(rmse, rel=1e-4)
    assert found["loss"] == pytest.approx(rmse**2, rel=1e-4)


def test_a_class_without_training_rows_has_probability_0() -> None:
    features, target = load_iris(return_X_y=True)
    kept = target != 1
    model = wrapped(DummyClassifier(), features, MULTICLASS, 3)
    model.fit(*tensors(features[kept], target[kept]))
    found = model.metrics(*tensors(features, target))
    assert found["acc"] == pytest.approx(1 / 3)
    # A third of the rows are of that class.
    assert found["log_loss"] > 3


def test_the_seed_is_every_random_state_s() -> None:
    features, _ = load_iris(return_X_y=True)
    states = {
        wrapped(RandomForestClassifier(), features, MULTICLASS, 3, seed).estimator.random_state for seed in (0, 0, 1)
    }
    assert len(states) == 2
    nested = wrapped(make_pipeline(StandardScaler(), RandomForestClassifier()), features, MULTICLASS, 3)
    assert nested.estimator.get_params()["randomforestclassifier__random_state"] in states
    assert wrapped(RandomForestClassifier(random_state=7), features, MULTICLASS, 3).estimator.random_state == 7


@pytest.mark.parametrize(
    ("estimator", "task"), [(Ridge(), MULTICLASS), (LogisticRegression(), REGRESSION), (KMeans(), BINARY)]
)
def test_another_kind_is_refused(estimator: object, task: Task) -> None:
    with pytest.raises(UsageError, match=r"must be a (classifier|regressor)"):
        wrapped(estimator, np.ones((2, 2)), task, 2)


def test_labels_are_not_taken_for_probabilities() -> None:
    features, target = load_iris(return_X_y=True)
    features, target = features[50:], target[50:] - 1
    model = Estimator(
        estimator=LinearSVC(),
        task=BINARY,
        n_classes=2,
        standardize=standardize(features),
        standardize_target=None,
        seed=0,
        metrics=MetricCollection({"area": BinaryAUROC(), "hinge": BinaryHingeLoss(), "kappa": BinaryCohenKappa()}),
    )
    model.fit(*tensors(features, target))
    found = model.metrics(*tensors(features, target))
    assert math.isnan(found["area"])
    assert math.isnan(found["hinge"])
    labels = make_pipeline(StandardScaler(), LinearSVC(random_state=0)).fit(features, target).predict(features)
    assert found["kappa"] == pytest.approx(cohen_kappa_score(target, labels))


@pytest.mark.parametrize("n_classes", [3, 4])
def test_decisions_of_one_class_against_another_are_no_scores(n_classes: int) -> None:
    features, target = load_iris(return_X_y=True)
    # Of three classes there are three pairs.
    target = np.where((features[:, 0] > 5.8) & (target == 2), 3, target) if n_classes == 4 else target
    for shape, is_known in (("ovr", True), ("ovo", False)):
        for estimator in (
            SVC(decision_function_shape=shape),
            make_pipeline(StandardScaler(), SVC(decision_function_shape=shape)),
        ):
            model = wrapped(estimator, features, MULTICLASS, n_classes)
            model.fit(*tensors(features, target))
            found = model.metrics(*tensors(features, target))
            assert math.isnan(found["auroc"]) != is_known
            assert math.isnan(found["average_precision"]) != is_known
            assert found["acc"] > 0.8


def test_a_class_that_no_decision_is_for_ranks_last() -> None:
    features, target = load_iris(return_X_y=True)
    target = np.where((features[:, 0] > 5.8) & (target == 2), 3, target)
    seen = target != 1
    model = wrapped(LinearSVC(), features, MULTICLASS, 4)
    model.fit(*tensors(features[seen], target[seen]))
    found = model.metrics(*tensors(features, target))
    decisions = model.estimator.decision_function(model.standardize(tensors(features, target)[0]).numpy())
    columns = {0: decisions[:, 0], 1: np.zeros(len(target)), 2: decisions[:, 1], 3: decisions[:, 2]}
    area = np.mean([roc_auc_score(target == label, column) for label, column in columns.items()])
    assert found["auroc"] == pytest.approx(area, rel=1e-5)


def test_an_estimator_that_gives_labels_alone_has_no_area() -> None:
    class Labels(DummyClassifier):
        predict_proba = property()  # type: ignore[assignment]

    features, target = load_iris(return_X_y=True)
    model = wrapped(Labels(), features, MULTICLASS, 3)
    model.fit(*tensors(features, target))
    found = model.metrics(*tensors(features, target))
    assert list(found) == ["loss", "acc", "balanced_acc", "auroc", "average_precision", "f1", "log_loss", "ece"]
    assert [name for name, value in found.items() if not math.isnan(value)] == ["acc", "balanced_acc", "f1"]
    assert found["acc"] == pytest.approx(1 / 3)


def test_equal_decisions_stay_equal() -> None:
    class Constant(LinearSVC):
        def decision_function(self, X: np.ndarray) -> np.ndarray:  # noqa: N803
            return np.full(len(X), 3.0)

    features, target = load_iris(return_X_y=True)
    features, target = features[:100], target[:100]
    model = wrapped(Constant(), features, BINARY, 2)
    model.fit(*tensors(features, target))
    assert model.metrics(*tensors(features, target))["auroc"] == 0.5


def test_a_probability_of_a_half_is_labelled_1() -> None:
    features, target = load_iris(return_X_y=True)
    features, target = features[:100], np.repeat([0, 1], [30, 70])
    model = wrapped(DummyClassifier(strategy="uniform"), features, BINARY, 2)
    model.fit(*tensors(features, target))
    found = model.metrics(*tensors(features, target))
    assert found["acc"] == pytest.approx(0.7)
    assert found["loss"] == pytest.approx(math.log(2))


def _of_targets(estimator: Any, features: np.ndarray, target: np.ndarray, **settings: Any) -> Estimator:
    return Estimator(
        estimator=estimator,
        task=REGRESSION,
        n_classes=0,
        standardize=standardize(features),
        standardize_target=standardize(target),
        seed=0,
        **settings,
    )


def test_several_targets_are_measured_in_their_units() -> None:
    features, target = (values.astype(np.float32) for values in load_linnerud(return_X_y=True))
    model = _of_targets(LinearRegression(), features, target)
    model.fit(*tensors(features, target))
    found = model.metrics(*tensors(features, target))
    expected = LinearRegression().fit(features, target).predict(features)
    deviations = target.std(axis=0)
    assert found["loss"] == pytest.approx(
        np.mean(((expected - target) / deviations) ** 2) * np.mean(deviations**2), rel=1e-4
    )
    assert found["mae"] == pytest.approx(np.abs(expected - target).mean(), rel=1e-4)
    assert list(found) == ["loss", "rmse", "mae", "r2"]


def test_one_target_is_fitted_as_a_column_of_its_own() -> None:
    shapes: list[tuple[int, ...]] = []

    class Records(Ridge):
        def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: Any = None) -> "Records":  # noqa: N803
            shapes.append(y.shape)
            fitted: Records = super().fit(X, y, sample_weight)
            return fitted

    features, target = load_diabetes(return_X_y=True)
    column = target.astype(np.float32)[:, None]
    for values in (column, np.hstack([column, column])):
        _of_targets(Records(), features, values).fit(*tensors(features, values))
    assert shapes == [(442,), (442, 2)]


def test_only_what_is_wanted_is_measured() -> None:
    features, target = load_diabetes(return_X_y=True)
    column = target.astype(np.float32)[:, None]
    own = MetricCollection({"own": MeanAbsoluteError()})
    model = _of_targets(Ridge(), features, column, metrics=own, task_metrics=False)
    model.fit(*tensors(features, column))
    for _ in range(2):
        found = model.metrics(*tensors(features, column))
        assert list(found) == ["loss", "own"]
        assert found["own"] == pytest.approx(
            np.abs(Ridge().fit(StandardScaler().fit_transform(features), target).predict(
                StandardScaler().fit_transform(features)) - target).mean(), rel=1e-4,
        )  # fmt: skip
    assert own["own"].update_count == 0


@pytest.mark.parametrize("settings", [{"top_k": 2}, {"multidim_average": "samplewise"}])
def test_what_needs_more_than_labels_is_not_measured_by_them(settings: dict[str, Any]) -> None:
    features, target = load_iris(return_X_y=True)
    model = Estimator(
        estimator=LinearSVC(),
        task=MULTICLASS,
        n_classes=3,
        standardize=standardize(features),
        standardize_target=None,
        seed=0,
        metrics=MetricCollection({"own": MulticlassStatScores(3, average="micro", **settings)}),
        task_metrics=False,
    )
    model.fit(*tensors(features, target))
    found = model.metrics(*tensors(features, target))
    assert list(found) == ["loss", "own"]
    assert math.isnan(found["own"])


def test_the_lines_on_another_kind_and_on_weights_say_what_to_do() -> None:
    with pytest.raises(UsageError) as caught:
        wrapped(Ridge(), np.ones((2, 2)), MULTICLASS, 2)
    assert str(caught.value) == (
        "model.estimator must be a classifier of scikit-learn's interface for this data, got Ridge; choose another "
        "model or data"
    )
    with pytest.raises(
        UsageError, match=r"must be a regressor of scikit-learn's interface for this data, got Logistic"
    ):
        wrapped(LogisticRegression(), np.ones((2, 2)), REGRESSION, 2)
    features, target = load_iris(return_X_y=True)
    with pytest.raises(UsageError) as caught:
        wrapped(KNeighborsClassifier(), features, MULTICLASS, 3).fit(*tensors(features, target), torch.ones(150))
    assert str(caught.value) == (
        "model.estimator must take sample_weight in fit for data.weight and data.class_weights, got "
        "KNeighborsClassifier; leave them out, or choose another estimator"
    )


def test_seeds_are_derived_from_the_models() -> None:
    forest = wrapped(RandomForestClassifier(), np.ones((2, 2)), MULTICLASS, 3, seed=5)
    assert forest.estimator.random_state == derive_seed(5, Stream.WEIGHTS) % 2**32
    given = wrapped(make_pipeline(RandomForestClassifier(random_state=7)), np.ones((2, 2)), MULTICLASS, 3)
    assert given.estimator.get_params()["randomforestclassifier__random_state"] == 7
