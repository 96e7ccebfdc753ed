"""The project's networks against scikit-learn's models in cross-validation, with intervals, as Markdown.

``python benchmarks/tables.py`` measures what docs/results.jsonl does not hold yet, a line for each fold, and writes
docs/results.md; what is broken off goes on where it was. ``--tables`` and ``--models`` take some, ``--folds`` others
than ten.
"""

import argparse
import json
import textwrap
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import table_defaults
from sklearn import datasets
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, SVR

from perceptron.estimators import PerceptronClassifier, PerceptronRegressor
from perceptron.files.writing import write_text
from perceptron.networks import TabM
from perceptron.sweeps.finished_runs import Draw
from perceptron.sweeps.statistics import compare, estimate, holm
from perceptron.terminal.text import DASH


class Contest(NamedTuple):
    """A table, and the scale that every model gets its features in: ``per_feature`` or ``global``."""

    load: Callable[[], Any]
    scale: str
    is_regression: bool


CONTESTS = {
    "breast_cancer": Contest(partial(datasets.load_breast_cancer, return_X_y=True), "per_feature", False),
    "digits": Contest(partial(datasets.load_digits, return_X_y=True), "per_feature", False),
    "digits, one scale": Contest(partial(datasets.load_digits, return_X_y=True), "global", False),
    "iris": Contest(partial(datasets.load_iris, return_X_y=True), "per_feature", False),
    "wine": Contest(partial(datasets.load_wine, return_X_y=True), "per_feature", False),
    "moons": Contest(partial(datasets.make_moons, 1000, noise=0.2, random_state=0), "per_feature", False),
    "diabetes": Contest(partial(datasets.load_diabetes, return_X_y=True, scaled=False), "per_feature", True),
    "friedman1": Contest(partial(datasets.make_friedman1, 1000, noise=1.0, random_state=0), "per_feature", True),
}

# Set before anything was measured, and the same for every table.
MLP: dict[str, Any] = {
    "hidden": (128, 128),
    "dropout": 0.2,
    "optimizer": "adamw",
    "learning_rate": 1e-3,
    "weight_decay": 1e-2,
    "batch_size": 32,
    "max_epochs": 300,
    "val_fraction": 0.1,
    "patience": 30,
    "random_state": 0,
}
# The authors' 32 members, three layers, dropout, rate, decay and patience; but layers of 128 units in place of 512.
TABM: dict[str, Any] = {
    "network": partial(TabM, width=128),
    "optimizer": "adamw",
    "learning_rate": 2e-3,
    "weight_decay": 3e-4,
    "batch_size": 64,
    "max_epochs": 100,
    "val_fraction": 0.15,
    "patience": 16,
    "random_state": 0,
}
MEMBERS = 16
REFERENCE = f"{MEMBERS} MLPs"
MODELS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    REFERENCE: (
        lambda: PerceptronClassifier(**MLP, n_members=MEMBERS),
        lambda: PerceptronRegressor(**MLP, n_members=MEMBERS),
    ),
    "MLP": (lambda: PerceptronClassifier(**MLP), lambda: PerceptronRegressor(**MLP)),
    "TabM": (lambda: PerceptronClassifier(**TABM), lambda: PerceptronRegressor(**TABM)),
    "linear model": (lambda: LogisticRegression(max_iter=5000), Ridge),
    "scikit-learn's MLP": (
        lambda: MLPClassifier(max_iter=500, random_state=0),
        lambda: MLPRegressor(max_iter=500, random_state=0),
    ),
    "random forest": (
        lambda: RandomForestClassifier(300, random_state=0),
        lambda: RandomForestRegressor(300, random_state=0),
    ),
    "histogram boosting": (
        lambda: HistGradientBoostingClassifier(random_state=0),
        lambda: HistGradientBoostingRegressor(random_state=0),
    ),
    "SVM": (lambda: SVC(C=10), lambda: SVR(C=10)),
}


class Fold(NamedTuple):
    """What a model did on a fold: accuracy or R², and CPU seconds of fitting and predicting."""

    contest: str
    model: str
    folds: int
    fold: int
    score: float
    seconds: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is missing, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--tables", nargs="+", choices=CONTESTS, default=list(CONTESTS))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--scores", type=Path, default=Path("docs/results.jsonl"))
    parser.add_argument("--output", type=Path, default=Path("docs/results.md"))
    typed = parser.parse_args(arguments)
    lines = typed.scores.read_text(encoding="utf-8").splitlines() if typed.scores.is_file() else []
    known = [found for found in (Fold(**json.loads(line)) for line in lines) if found.folds == typed.folds]
    done = {found[:4] for found in known}
    for name in typed.tables:
        for model in typed.models:
            for fold in range(typed.folds):
                if (name, model, typed.folds, fold) in done:
                    continue
                known.append(measured(name, model, folds=typed.folds, fold=fold))
                with typed.scores.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(known[-1]._asdict()) + "\n")
            write_text(typed.output, report(known, folds=typed.folds))
            print(f"{model} on {name} is measured", flush=True)


def measured(name: str, model: str, *, folds: int, fold: int) -> Fold:
    """Fit on the other folds and score on this one."""
    contest = CONTESTS[name]
    features, target = contest.load()
    features = np.asarray(features, dtype=np.float32)
    splitter = (KFold if contest.is_regression else StratifiedKFold)(folds, shuffle=True, random_state=0)
    train, test = list(splitter.split(features, target))[fold]
    estimator = scaled(MODELS[model][contest.is_regression](), contest)
    started = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        score = estimator.fit(features[train], target[train]).score(features[test], target[test])
    return Fold(name, model, folds, fold, float(score), time.process_time() - started)


def scaled(estimator: Any, contest: Contest) -> Any:
    """The estimator with the contest's scale of the features, and a continuous target's, fitted where it is fitted."""
    if isinstance(estimator, (PerceptronClassifier, PerceptronRegressor)):
        return estimator.set_params(standardize=contest.scale)
    # Grey values from 0 to 16 need no fit; a support vector machine takes the scale of all columns out by itself.
    scaler = StandardScaler() if contest.scale == "per_feature" else FunctionTransformer(of_grey_values)
    pipeline = make_pipeline(scaler, estimator)
    return TransformedTargetRegressor(pipeline, transformer=StandardScaler()) if contest.is_regression else pipeline


def of_grey_values(pixels: Any) -> Any:
    """Shares of white."""
    return pixels / 16


def report(known: Sequence[Fold], *, folds: int) -> str:
    """All tables as Markdown."""
    head = _HEAD.format(folds=folds, members=MEMBERS, mlp=_words(MLP), tabm=_words(TABM))
    parts = [textwrap.fill(paragraph, 120, break_long_words=False) for paragraph in head.split("\n\n")]
    for name, contest in CONTESTS.items():
        rows = of_table([found for found in known if found.contest == name], folds=folds)
        if rows:
            score = "R²" if contest.is_regression else "accuracy"
            parts.append(f"## {name}\n\n| model | {score} | p | CPU seconds |\n| --- | --- | --- | --- |\n{rows}")
    counts = Counter((found.contest, found.model) for found in known)
    missing = [f"{model} on {name}" for name in CONTESTS for model in MODELS if counts[name, model] < folds]
    if missing:
        left = f"Not measured yet, and what the same command goes on with: {'; '.join(missing)}."
        parts.insert(len(head.split("\n\n")), textwrap.fill(left, 120))
    return "\n\n".join(parts) + "\n\n" + table_defaults.section(table_defaults.RESULTS)


def of_table(known: Sequence[Fold], *, folds: int) -> str:
    """Rows of a table's models, best first."""
    scores = {model: {Draw(found.fold, 0): found.score for found in known if found.model == model} for model in MODELS}
    scores = {model: values for model, values in scores.items() if len(values) == folds}
    ratio = 1 / (folds - 1)
    others = [model for model in scores if model != REFERENCE]
    ps = [compare(scores.get(REFERENCE, {}), scores[model], test_per_train=ratio).p for model in others]
    adjusted = dict(zip(others, holm(ps), strict=True))
    means = {model: estimate(values, test_per_train=ratio) for model, values in scores.items()}
    lines = []
    for model in sorted(scores, key=lambda model: -means[model].mean):
        found = means[model]
        seconds = np.mean([fold.seconds for fold in known if fold.model == model])
        p = "" if model == REFERENCE or np.isnan(adjusted[model]) else f"{adjusted[model]:.3f}"
        half = DASH if found.gap else f"{found.high - found.mean:.4f}"
        lines.append(f"| {model} | {found.mean:.4f} ± {half} | {p} | {seconds:.2f} |")
    return "\n".join(lines)


def _words(settings: dict[str, Any]) -> str:
    return ", ".join(f"`{name}={value}`" for name, value in settings.items() if name not in ("network", "random_state"))


_HEAD = """# Results

Made by `python benchmarks/tables.py` (`pip install --constraint constraints.txt --editable '.[tabm]'`). All models use
the same {folds} folds, shuffled with seed 0 and stratified by class. Scales of features and of continuous targets are
fitted within each fold. ± is half of the 95 % interval of the mean, corrected for the rows that folds share (Nadeau and
Bengio 2003); p is the probability of such a difference from the {members} MLPs if both were equal, paired over folds,
with the same correction and Holm-adjusted. CPU seconds are the time that one core spent on one fold, fitting and
predicting.

**How settings were chosen.** They were fixed before the first run and are the same for every table; no score of a test
fold changed any. The MLP: {mlp}. It stops early by the loss on a tenth of the training fold and keeps the weights of
its best epoch. The {members} MLPs have different seeds and held-out rows, are trained side by side, and predict their
mean. TabM has its authors' number of members, dropout, learning rate, weight decay and patience, but layers a quarter
as wide (128 units) to be affordable on one core: {tabm}. scikit-learn's models use its defaults, except for at most 500
epochs for the MLP, 300 trees in the forest, and C=10 for the support vector machine.

The digits appear twice: standardised per pixel, and with one scale for all pixels, as is usual for grey levels."""


if __name__ == "__main__":
    main()
