import math

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.datasets import load_diabetes, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
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
from sklearn.svm import LinearSVC
from sklearn.utils import compute_sample_weight
from torchmetrics import MetricCollection
from torchmetrics.classification import BinaryAUROC, BinaryCohenKappa, BinaryHingeLoss

from perceptron.errors import UsageError
from perceptron.models import Estimator, Standardize
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
    assert model.metrics(*tensors(features, target))["acc"] == pytest.approx(1 / 3)


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
