"""``model.threshold=auto`` from the command line: chosen on validation rows, kept, and used by every command."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score
from tests.conftest import Perceptron, train_in

from perceptron.composition.stored.restore import restore, restore_data
from perceptron.models import BinaryClassifier

RARE = ("data=classification", "+data.dataset.weights=[0.9]", "+data.dataset.flip_y=0.1")
SETTINGS = (*RARE, "model=logistic", "trainer.max_epochs=3", "logger=none", "figures=none")
Trained = Callable[..., Path]


@pytest.fixture
def run(trained: Trained) -> Path:
    return trained(*SETTINGS, "model.threshold=auto")


def _model(run: Path, **settings) -> BinaryClassifier:
    model = restore(run, **settings).model
    assert isinstance(model, BinaryClassifier)
    return model


def _metrics(run: Path) -> dict[str, float]:
    return json.loads((run / "metrics.json").read_text(encoding="utf-8"))


def test_it_is_the_best_for_validation_rows_and_changes_nothing_else(run: Path, trained: Trained) -> None:
    half, chosen = trained(*SETTINGS), _metrics(run)
    threshold = chosen.pop("val/threshold")
    assert 0 < threshold < 0.4
    assert _model(run).threshold == threshold
    for name in ("loss", "auroc", "average_precision", "log_loss", "ece"):
        for split in ("train", "val", "test"):
            assert chosen[f"{split}/{name}"] == _metrics(half)[f"{split}/{name}"]
    data = restore_data(restore(run))
    features, target = data.rows("val")
    with torch.inference_mode():
        probabilities = _model(run).predict(features).probabilities[:, 1].numpy()
    reached = [balanced_accuracy_score(target, probabilities >= cut) for cut in np.append(probabilities, 0.5)]
    assert chosen["val/balanced_acc"] == pytest.approx(max(reached), abs=1e-6)
    assert chosen["val/balanced_acc"] > _metrics(half)["val/balanced_acc"] + 0.1
    assert chosen["test/balanced_acc"] > _metrics(half)["test/balanced_acc"] + 0.05


def test_the_log_says_it(run: Path) -> None:
    (line,) = [line for line in (run / "train.log").read_text(encoding="utf-8").splitlines() if "threshold: " in line]
    assert "chosen on 300 validation rows, where balanced accuracy is" in line


def test_evaluate_gives_the_same_bits_from_the_folder_and_the_checkpoint(
    perceptron: Perceptron, run: Path, tmp_path: Path
) -> None:
    output = tmp_path / "metrics.json"
    assert perceptron("evaluate", f"run={run}", f"output={output}").status == 0
    assert output.read_bytes() == (run / "metrics.json").read_bytes()
    shutil.copy(run / "checkpoints" / "best.ckpt", tmp_path / "alone.ckpt")
    torch.load(tmp_path / "alone.ckpt", weights_only=True)
    answer = perceptron("evaluate", f"run={tmp_path / 'alone.ckpt'}", "output=-")
    assert json.loads(answer.out) == _metrics(run)
    # Another is taken where it is asked for; the last weights have none.
    other = json.loads(perceptron("evaluate", f"run={run}", "model.threshold=0.5", "output=-").out)
    assert "val/threshold" not in other
    assert other["test/balanced_acc"] != _metrics(run)["test/balanced_acc"]
    assert _model(run, checkpoint="last").threshold == 0.5


def test_predict_and_export_label_by_it(perceptron: Perceptron, run: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    onnxruntime = pytest.importorskip("onnxruntime")
    data = restore_data(restore(run))
    rows = data.table.features
    with (tmp_path / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([data.schema.feature_names, *rows.tolist()])
    answers = tmp_path / "answers.csv"
    assert perceptron("predict", f"run={run}", f"input={tmp_path / 'rows.csv'}", f"output={answers}").status == 0
    with answers.open(encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    labels = np.array([int(row["label"]) for row in found])
    of_class_1 = np.array([float(row["p_1"]) for row in found])
    threshold = _metrics(run)["val/threshold"]
    far = np.abs(of_class_1 - threshold) > 1e-5
    assert (labels == (of_class_1 >= threshold))[far].all()
    assert (labels != (of_class_1 >= 0.5)).any()
    for kind in ("onnx", "torch"):
        output = tmp_path / f"model.{kind}"
        assert perceptron("export", f"run={run}", f"format={kind}", f"output={output}").status == 0
        if kind == "onnx":
            session = onnxruntime.InferenceSession(output)
            got = session.run(["label"], {session.get_inputs()[0].name: rows.astype(np.float64)})[0]
        else:
            got = torch.export.load(output).module()(torch.from_numpy(rows))[0].numpy()
        assert (got == labels)[far].all(), kind


def test_an_ensemble_takes_the_mean_of_its_members(perceptron: Perceptron, trained: Trained, tmp_path: Path) -> None:
    runs = [trained(*SETTINGS, "model.threshold=auto", f"seed={seed}") for seed in (0, 1, 2)]
    for number, run in enumerate(runs):
        shutil.copytree(run, tmp_path / "sweep" / str(number))
    assert perceptron("ensemble", f"run={tmp_path / 'sweep'}").status == 0
    together = _model(tmp_path / "sweep" / "ensemble")
    assert together.threshold == pytest.approx(np.mean([_model(run).threshold for run in runs]), abs=1e-6)
    answer = perceptron("evaluate", f"run={tmp_path / 'sweep' / 'ensemble'}", "output=-")
    assert json.loads(answer.out)["val/threshold"] == together.threshold


def test_a_run_that_goes_on_ends_as_one_that_was_never_stopped(
    perceptron: Perceptron, run: Path, trained: Trained, tmp_path: Path
) -> None:
    whole = train_in(tmp_path / "whole", *SETTINGS, "model.threshold=auto", "trainer.max_epochs=5")
    shutil.copytree(run, tmp_path / "longer")
    assert perceptron("resume", f"run={tmp_path / 'longer'}", "trainer.max_epochs=5").status == 0
    assert _metrics(tmp_path / "longer") == _metrics(whole)
    # From the best weights, whose threshold was chosen, training is measured at 0.5 again.
    found = []
    for first in (run, trained(*SETTINGS)):
        settings = [name for name in SETTINGS if name != "logger=none" and "max_epochs" not in name]
        settings += ["model.threshold=auto"] if first == run else []
        best = first / "checkpoints" / "best.ckpt"
        second = train_in(
            tmp_path / f"after_{len(found)}", *settings, "logger=csv", "trainer.max_epochs=5", f"ckpt_path={best}"
        )
        (log,) = second.rglob("metrics.csv")
        with log.open(encoding="utf-8") as file:
            found.append([row["val/balanced_acc"] for row in csv.DictReader(file) if row["val/balanced_acc"]])
    assert len(found[0]) >= 2
    assert found[0][:2] == found[1][:2]


def test_the_models_of_any_task_take_it_where_there_are_two_classes(perceptron: Perceptron, tmp_path: Path) -> None:
    common = ("model=auto", "trainer.max_epochs=1", "logger=none", "figures=none")
    run = train_in(tmp_path / "run", "data=moons", "model.threshold=auto", *common)
    assert _metrics(run)["val/threshold"] == _model(run).threshold
    for data, found in (("iris", "3 classes"), ("diabetes", "a continuous target")):
        answer = perceptron("train", f"data={data}", "model.threshold=auto", *common, f"paths.log_dir={tmp_path}")
        line = f"model.threshold needs two classes, got auto for data={data}, which has {found}; leave it out"
        assert answer == (2, "", f"error: {line}\n")


def test_validation_rows_of_one_class_are_refused(perceptron: Perceptron, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    rows = [f"{i},{'no' if i < 80 or i % 2 else 'yes'},{i}\n" for i in range(100)]
    rows += [f"{i},{'no' if i % 2 else 'yes'},-1\n" for i in range(100)]
    (tmp_path / "t.csv").write_text("a,y,t\n" + "".join(rows), encoding="utf-8")
    answer = perceptron(
        "train", "data=table", f"data.path={tmp_path / 't.csv'}", "data.target=y", "data.time=t",
        "model.threshold=auto", f"paths.log_dir={tmp_path / 'logs'}", "data.exclude=[t]", "figures=none",
    )  # fmt: skip
    assert answer == (
        2,
        "",
        "error: model.threshold=auto needs validation rows of both classes, got no; set data.val_fraction, or "
        "model.threshold to a number in (0, 1)\n",
    )
