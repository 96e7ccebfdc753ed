"""The project's networks against scikit-learn's models in cross-validation, with intervals, as a Markdown table.

``python benchmarks/tables.py --folds 10 --output docs/results.md``. Every model sees the same folds; the scale of the
features is fitted inside each. An interval is the mean over folds with Student's 95 % interval of their values; folds
share training rows, so it is a little too narrow (Bengio and Grandvalet 2004).
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t
from sklearn import datasets
from sklearn.base import clone, is_classifier
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from perceptron.estimators import PerceptronClassifier, PerceptronRegressor
from perceptron.runs.files import write_text

TABLES: dict[str, Callable[[], Any]] = {
    "breast_cancer": lambda: datasets.load_breast_cancer(return_X_y=True),
    "digits": lambda: datasets.load_digits(return_X_y=True),
    "iris": lambda: datasets.load_iris(return_X_y=True),
    "wine": lambda: datasets.load_wine(return_X_y=True),
    "moons": lambda: datasets.make_moons(1000, noise=0.2, random_state=0),
    "diabetes": lambda: datasets.load_diabetes(return_X_y=True, scaled=False),
    "friedman1": lambda: datasets.make_friedman1(1000, noise=1.0, random_state=0),
}
CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "perceptron MLP": lambda: PerceptronClassifier(random_state=0),
    "perceptron TabM": lambda: PerceptronClassifier(
        network="tabm", optimizer="adamw", learning_rate=2e-3, weight_decay=3e-4, random_state=0
    ),
    "scikit-learn MLP": lambda: make_pipeline(StandardScaler(), MLPClassifier(max_iter=500, random_state=0)),
    "random forest": lambda: RandomForestClassifier(300, random_state=0),
    "histogram boosting": lambda: HistGradientBoostingClassifier(random_state=0),
    "SVM": lambda: make_pipeline(StandardScaler(), SVC(C=10)),
}
REGRESSORS: dict[str, Callable[[], Any]] = {
    "perceptron MLP": lambda: PerceptronRegressor(random_state=0),
    "perceptron TabM": lambda: PerceptronRegressor(
        network="tabm", optimizer="adamw", learning_rate=2e-3, weight_decay=3e-4, random_state=0
    ),
    "scikit-learn MLP": lambda: make_pipeline(StandardScaler(), MLPRegressor(max_iter=500, random_state=0)),
    "random forest": lambda: RandomForestRegressor(300, random_state=0),
    "histogram boosting": lambda: HistGradientBoostingRegressor(random_state=0),
    "SVM": lambda: make_pipeline(StandardScaler(), SVR(C=100)),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--models", nargs="+", choices=CLASSIFIERS, default=list(CLASSIFIERS))
    parser.add_argument("--output", type=Path)
    typed = parser.parse_args(arguments)
    lines = ["| table | score | " + " | ".join(typed.models) + " |", "|---|---|" + "---|" * len(typed.models)]
    for name in typed.tables:
        features, target = TABLES[name]()
        is_regression = np.issubdtype(np.asarray(target).dtype, np.floating)
        models: Mapping[str, Callable[[], Any]] = REGRESSORS if is_regression else CLASSIFIERS
        cells = [measured(models[model](), features, target, folds=typed.folds) for model in typed.models]
        lines.append(f"| {name} | {'R²' if is_regression else 'accuracy'} | " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    text = (
        f"# Results\n\nMean over {typed.folds} folds ± half of the 95 % interval, and seconds for all folds.\n"
        f"Made by `python benchmarks/tables.py --folds {typed.folds}`.\n\n" + "\n".join(lines) + "\n"
    )
    if typed.output:
        write_text(typed.output, text)
    else:
        print(text)


def measured(model: Any, features: Any, target: Any, *, folds: int) -> str:
    """Mean score over folds with half of its interval, and seconds."""
    splitter = (StratifiedKFold if is_classifier(model) else KFold)(folds, shuffle=True, random_state=0)
    started = time.perf_counter()
    scores = cross_val_score(clone(model), features, target, cv=splitter)
    half = t.ppf(0.975, folds - 1) * scores.std(ddof=1) / np.sqrt(folds)
    return f"{scores.mean():.4f} ± {half:.4f} ({time.perf_counter() - started:.0f} s)"


if __name__ == "__main__":
    main()
