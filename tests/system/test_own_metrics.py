"""Metrics of the user's in the group ``metrics``: reported everywhere, monitored, stored and checked."""

import csv
import json
from pathlib import Path

import pytest
import torch
from sklearn import metrics as reference
from torchmetrics import Metric

KAPPA = "+metrics.kappa._target_=torchmetrics.CohenKappa"
SHORT = ("figures=none", "logger=csv", "trainer.max_epochs=3")

OWN = """
import torch
from torchmetrics import Metric


class Largest(Metric):
    higher_is_better = False

    def __init__(self):
        super().__init__()
        self.add_state("largest", torch.tensor(0.0), dist_reduce_fx="max")

    def update(self, preds, target):
        self.largest = torch.maximum(self.largest, (preds - target).abs().max())

    def compute(self):
        return self.largest
"""


class Unmade(Metric):
    """Forgets to call ``Metric.__init__``."""

    def __init__(self):
        pass

    def update(self, preds, target):
        pass

    def compute(self):
        return torch.tensor(1.0)


class Wrong(Metric):
    """Number of rows that are labelled wrongly, a whole number."""

    higher_is_better = False

    def __init__(self):
        super().__init__()
        self.add_state("wrong", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, preds, target):
        self.wrong += ((preds >= 0.5) != target).sum()

    def compute(self):
        return self.wrong


def _metrics(run: Path) -> dict[str, float]:
    return json.loads((run / "metrics.json").read_text(encoding="utf-8"))


def _curve(run: Path, name: str) -> list[float]:
    with (run / "csv" / "metrics.csv").open(encoding="utf-8") as file:
        return [float(row[name]) for row in csv.DictReader(file) if row[name]]


def _predicted(perceptron, run: Path, data: Path, *arguments: str) -> list[dict[str, str]]:
    out = run / "predicted.csv"
    assert perceptron("predict", f"run={run}", f"input={data}", f"output={out}", *arguments).status == 0
    with out.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_metric_is_reported_monitored_and_stored(perceptron, tmp_path: Path) -> None:
    run = tmp_path / "run"
    ended = perceptron(
        "train", "data=iris", "model=softmax", KAPPA, "monitor=val/kappa", "optimizer.lr=5", *SHORT,
        f"hydra.run.dir={run}",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    assert "kappa" in ended.out
    curve, origin = _curve(run, "val/kappa"), json.loads((run / "provenance.json").read_text(encoding="utf-8"))
    assert origin["best"]["value"] == pytest.approx(max(curve))
    assert (origin["best"]["mode"], origin["directions"]["kappa"]) == ("max", "max")
    assert torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["epoch"] == curve.index(max(curve))
    shown = perceptron("evaluate", f"run={run}")
    for split in ("train", "val", "test"):
        assert f"{_metrics(run)[f'{split}/kappa']:.4f}" in shown.out
    bare = perceptron("evaluate", f"run={run}", "metrics=none", "monitor=val/loss", "mode=min")
    assert "kappa" not in bare.out
    assert "acc" not in bare.out


def _table(path: Path, target: list[object]) -> Path:
    torch.manual_seed(0)
    columns = torch.randn(len(target), 2).tolist()
    lines = [f"{a},{b},{y}" for (a, b), y in zip(columns, target, strict=True)]
    path.write_text("\n".join(["a,b,y", *lines]) + "\n", encoding="utf-8")
    return path


def test_it_is_that_of_the_predictions_and_follows_the_threshold(perceptron, tmp_path: Path) -> None:
    torch.manual_seed(1)
    data = _table(tmp_path / "rows.csv", torch.randint(0, 2, (120,)).tolist())
    run = tmp_path / "run"
    added = (
        KAPPA,
        "+metrics.mcc._target_=torchmetrics.MatthewsCorrCoef",
        "+metrics.hinge._target_=torchmetrics.HingeLoss",
        "+metrics.at._target_=torchmetrics.SpecificityAtSensitivity",
        "+metrics.at.min_sensitivity=0.5",
    )
    ended = perceptron(
        "train", "data=table", f"data.path={data}", "data.target=y", "model=logistic", "model.threshold=0.45", *added,
        *SHORT, f"hydra.run.dir={run}",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    rows = _predicted(perceptron, run, data)
    all_rows = ("data.val_fraction=0", "data.test_fraction=0", "monitor=train/loss", "split=train")
    shown = {line.split()[1]: line for line in perceptron("evaluate", f"run={run}", *all_rows).out.splitlines()
             if len(line.split()) > 2}  # fmt: skip
    with data.open(encoding="utf-8") as file:
        target = [int(row["y"]) for row in csv.DictReader(file)]
    labels, of_1 = [int(row["label"]) for row in rows], [float(row["p_1"]) for row in rows]
    assert 0 < sum(labels) < len(labels)
    assert labels == [int(probability >= 0.45) for probability in of_1]
    specificity = [1 - fpr for fpr, tpr in zip(*reference.roc_curve(target, of_1)[:2], strict=True) if tpr >= 0.5]
    for name, expected in (
        ("kappa", reference.cohen_kappa_score(target, labels)),
        ("mcc", reference.matthews_corrcoef(target, labels)),
        ("hinge", reference.hinge_loss(target, of_1)),
        ("at", max(specificity)),
    ):
        assert f"{expected:.4f}" in shown[name]


def test_relative_errors_are_those_of_values_far_from_zero(perceptron, tmp_path: Path) -> None:
    torch.manual_seed(2)
    data = _table(tmp_path / "rows.csv", [f"{value:.3f}" for value in (1e6 + torch.randn(120).double()).tolist()])
    run = tmp_path / "run"
    mape = ("+metrics.mape._target_=torchmetrics.MeanAbsolutePercentageError", "trainer.max_epochs=2")
    ended = perceptron(
        "train", "data=table", f"data.path={data}", "data.target=y", "model=linear", "figures=none", "logger=none",
        *mape, f"hydra.run.dir={run}",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    predicted = [float(row["y"]) for row in _predicted(perceptron, run, data)]
    all_rows = ("data.val_fraction=0", "data.test_fraction=0", "monitor=train/loss", "split=train")
    assert perceptron("evaluate", f"run={run}", *all_rows).status == 0
    with data.open(encoding="utf-8") as file:
        target = [float(row["y"]) for row in csv.DictReader(file)]
    expected = reference.mean_absolute_percentage_error(target, predicted)
    # Of the rows less their offset it would be about 1.
    assert 1e-7 < expected < 1e-5
    assert _metrics(run)["train/mape"] == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("launcher", [(), ("hydra/launcher=population",)])
def test_a_sweep_ranks_by_it(launcher: tuple[str, ...], perceptron, tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    ended = perceptron(
        "train", "-m", "data=linnerud", "model=linear", "+metrics.r._target_=torchmetrics.PearsonCorrCoef",
        "+metrics.ev._target_=torchmetrics.ExplainedVariance", "monitor=val/ev", "optimizer.lr=0.1,0.000001", *launcher,
        *SHORT, f"hydra.sweep.dir={sweep}",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    found = [_metrics(sweep / job) for job in ("0", "1")]
    best = max(
        (0, 1),
        key=lambda job: json.loads((sweep / str(job) / "provenance.json").read_text(encoding="utf-8"))["best"]["value"],
    )
    written = (sweep / "experiment" / "best.yaml").read_text(encoding="utf-8")
    assert f"job {best}" in written
    assert all("test/r" in values and "test/rmse" in values for values in found)
    for job in ("0", "1"):
        curve = _curve(sweep / job, "val/ev")
        assert json.loads((sweep / job / "provenance.json").read_text(encoding="utf-8"))["best"][
            "value"
        ] == pytest.approx(max(curve))


def test_members_report_what_jobs_alone_report(perceptron, tmp_path: Path) -> None:
    found = []
    for name, launcher in (("alone", ()), ("together", ("hydra/launcher=population",))):
        perceptron("train", "-m", "data=iris", "model=softmax", KAPPA, "seed=0,1", *launcher, *SHORT,
                   f"hydra.sweep.dir={tmp_path / name}")  # fmt: skip
        found.append([_metrics(tmp_path / name / job) for job in ("0", "1")])
    for alone, together in zip(*found, strict=True):
        assert alone["test/kappa"] == pytest.approx(together["test/kappa"], abs=1e-6)
        assert alone.keys() == together.keys()


def test_a_class_of_the_users_is_asked_for_its_direction(
    perceptron, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_largest.py").write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    run = tmp_path / "run"
    own = ("+metrics.largest._target_=own_largest.Largest", "monitor=val/largest")
    assert perceptron("train", "model=linear", *own, *SHORT, f"hydra.run.dir={run}").status == 0
    origin = json.loads((run / "provenance.json").read_text(encoding="utf-8"))
    assert (origin["best"]["mode"], origin["best"]["value"]) == ("min", pytest.approx(min(_curve(run, "val/largest"))))
    refused = perceptron("evaluate", f"run={run}")
    assert refused.status == 2
    assert "type 'trust=[own_largest.Largest]'" in refused.err
    assert perceptron("evaluate", f"run={run}", "trust=[own_largest.Largest]").status == 0


def test_a_whole_number_is_reported_by_members_and_jobs_alone(perceptron, tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    own = (f"+metrics.wrong._target_={__name__}.Wrong", "monitor=val/wrong")
    done = perceptron("train", "-m", "seed=0,1", "hydra/launcher=population", *own, *SHORT, f"hydra.sweep.dir={sweep}")
    assert done.status == 0
    assert "2 members trained" in done.out + done.err
    found = _metrics(sweep / "1")
    assert found["test/wrong"] == round((1 - found["test/acc"]) * 114)


def test_a_metric_that_fails_on_real_rows_is_named_in_a_line(perceptron, tmp_path: Path) -> None:
    # One validation row of twenty.
    typed = ("data=linnerud", "model=linear", "data.val_fraction=0.05", "+metrics.r2s._target_=torchmetrics.R2Score")
    failed = perceptron("train", *typed, *SHORT, f"hydra.run.dir={tmp_path / 'run'}")
    assert failed.status == 2
    assert failed.err.splitlines()[-1] == (
        "error: metrics.r2s must be computable on the val rows, got ValueError: Needs at least two samples to "
        "calculate r2 score.; change metrics.r2s or leave it out"
    )


def test_scikit_learns_models_report_it(perceptron, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert perceptron("train", "data=iris", "model=sklearn_svc", KAPPA, *SHORT, f"hydra.run.dir={run}").status == 0
    assert 0.5 < _metrics(run)["test/kappa"] <= 1


# What is found without importing the class stands among the bad command lines of all settings.
BAD = [
    ((KAPPA, "monitor=val/kappa", "mode=min"), "mode must be max for val/kappa, got min; set mode=max"),
    (
        (
            "metrics.at._target_=torchmetrics.SpecificityAtSensitivity",
            "metrics.at.min_sensitivity=0.5",
            "monitor=val/at",
        ),
        "mode is required for val/at, whose direction is not known; set mode=max where a larger value is better, or "
        "mode=min",
    ),
    (
        ("+metrics.k._target_=torchmetrics.CohenKapa",),
        "there is no torchmetrics.CohenKapa; did you mean torchmetrics.CohenKappa?",
    ),
    (
        ("+metrics.k._target_=nowhere.Skill", "monitor=val/k"),
        "metrics.k._target_ must be what can be imported, got nowhere.Skill: No module named 'nowhere'; "
        "change metrics.k._target_",
    ),
    (
        (f"+metrics.k._target_={__name__}.Unmade",),
        "metrics.k must be a metric of binary predictions, got ",
    ),
    (
        (KAPPA, "+metrics.kappa.threshold=0.3"),
        "metrics.kappa labels rows by the model's threshold, got metrics.kappa.threshold=0.3; "
        "set model.threshold instead",
    ),
    (
        ("+metrics.k._target_=torch.nn.Linear", "metrics.k.in_features=1", "metrics.k.out_features=1"),
        "metrics.k._target_ must be a torchmetrics.Metric, got torch.nn.Linear; change metrics.k._target_",
    ),
    (
        ("+metrics.m._target_=torchmetrics.ConfusionMatrix",),
        "metrics.m must be one number, got 2 x 2 values from torchmetrics.ConfusionMatrix; "
        "change or leave out metrics.m",
    ),
    (
        ("+metrics.at._target_=torchmetrics.SpecificityAtSensitivity",),
        "metrics.at.min_sensitivity is required; type metrics.at.min_sensitivity=<value>",
    ),
    ((KAPPA, "+metrics.kappa.weighs=linear"), "metrics.kappa must be what torchmetrics.CohenKappa takes, got: "),
    (
        ("model=linear", KAPPA),
        "metrics.kappa needs classes, got torchmetrics.CohenKappa for a continuous target; leave metrics.kappa out",
    ),
]


@pytest.mark.parametrize(("typed", "line"), BAD)
def test_a_mistake_is_one_line_and_nothing_is_written(
    typed: tuple[str, ...], line: str, perceptron, tmp_path: Path
) -> None:
    refused = perceptron("train", *typed, "figures=none", f"hydra.run.dir={tmp_path / 'run'}")
    assert refused.status == 2
    assert refused.err.startswith(f"error: {line}")
    assert refused.err.count("\n") == 1
    assert not (tmp_path / "run").exists()
