"""Weights of rows reach scikit-learn's models as they reach networks."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from perceptron.data import TableDataModule


def test_balanced_classes_weight_the_rows_of_scikit_learns_models(perceptron, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    settings = ("data=breast_cancer", "data.class_weights=balanced", "model=sklearn_logistic", "figures=none")
    answer = perceptron("train", f"hydra.run.dir={folder}", *settings, "logger=none")
    assert answer.status == 0, answer.err

    data = TableDataModule(dataset=load_breast_cancer)
    data.setup()
    rows, scaling = data.split, data.features_scaling
    features = (data.table.features - scaling.mean) / scaling.scale
    reference = LogisticRegression(class_weight="balanced", max_iter=1000)
    reference.fit(features[rows.train], data.table.target[rows.train])
    wanted = balanced_accuracy_score(data.table.target[rows.test], reference.predict(features[rows.test]))
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["test/balanced_acc"] == pytest.approx(wanted, abs=1e-6)
    assert np.isfinite(metrics["train/loss"])
