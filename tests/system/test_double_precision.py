"""What trained in double precision is evaluated, asked and exported in double precision."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.conftest import Perceptron

from perceptron.composition.stored.restore import restore, restore_data

SETTINGS = ("data=wine", "model=softmax", "trainer.max_epochs=3", "trainer.precision=64-true", "optimizer=adam",
            "trainer.accelerator=cpu", "logger=none", "figures=none")  # fmt: skip


@pytest.fixture
def run(trained: Callable[..., Path]) -> Path:
    return trained(*SETTINGS)


def test_evaluate_gives_the_metrics_to_the_last_digit(perceptron: Perceptron, run: Path) -> None:
    wanted = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert json.loads(perceptron("evaluate", f"run={run}", "output=-").out) == wanted
    assert wanted["val/loss"] != torch.tensor(wanted["val/loss"]).item()


def test_a_checkpoint_is_tested_in_its_precision(trained: Callable[..., Path], run: Path) -> None:
    again = trained(*SETTINGS, "train=false", f"ckpt_path={run}")
    assert (again / "metrics.json").read_bytes() == (run / "metrics.json").read_bytes()


def test_predict_writes_what_the_model_answers(perceptron: Perceptron, run: Path, tmp_path: Path) -> None:
    restored = restore(run)
    assert {value.dtype for value in restored.model.parameters()} == {torch.float64}
    rows = restore_data(restored).table.features[:20]
    with (tmp_path / "rows.csv").open("w", encoding="utf-8") as file:
        csv.writer(file).writerows([restored.schema.feature_names, *rows.tolist()])
    answer = perceptron("predict", f"run={run}", f"input={tmp_path / 'rows.csv'}", "output=-")
    assert answer.status == 0, answer.err
    with torch.inference_mode():
        probabilities = restored.model.predict(torch.from_numpy(rows)).probabilities
    assert probabilities is not None
    names = [f"p_{name}" for name in restored.schema.class_names]
    answered = [[float(row[name]) for name in names] for row in csv.DictReader(io.StringIO(answer.out))]
    assert answered == probabilities.tolist()


@pytest.mark.parametrize("wanted", ["onnx", pytest.param("torch", marks=pytest.mark.slow)])
def test_an_export_agrees(perceptron: Perceptron, run: Path, tmp_path: Path, wanted: str) -> None:
    answer = perceptron("export", f"run={run}", f"format={wanted}", f"output={tmp_path / 'model'}")
    assert answer.status == 0, answer.err


def test_an_ensemble_is_in_its_members_precision(
    perceptron: Perceptron, trained: Callable[..., Path], run: Path, tmp_path: Path
) -> None:
    for number, member in enumerate((run, trained(*SETTINGS, "seed=1"))):
        shutil.copytree(member, tmp_path / str(number))
    answer = perceptron("ensemble", f"run={tmp_path}", f"output={tmp_path / 'ensemble'}")
    assert answer.status == 0, answer.err
    restored = restore(tmp_path / "ensemble")
    features = torch.from_numpy(restore_data(restored).table.features)
    with torch.inference_mode():
        of_members = [restore(tmp_path / number).model.predict(features).probabilities for number in ("0", "1")]
        together = restored.model.predict(features).probabilities
    assert torch.allclose(together, torch.stack(of_members).mean(dim=0), rtol=0, atol=1e-14)
