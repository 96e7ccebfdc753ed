"""Categories as learnt vectors, from training to an exported graph."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tests.conftest import Perceptron, train_in

from perceptron.composition.stored.restore import restore, restore_data
from perceptron.networks import CategoryEmbeddings
from perceptron.runs.checkpoints.checkpoint_file import read_checkpoint
from perceptron.runs.folder import Run

CITIES = ("Bern", "Basel", "Genf", "Zug", "Chur")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(0)
    n = 400
    frame = pd.DataFrame(
        {
            "city": random.choice(CITIES, n),
            "x": random.normal(size=n),
            "kind": random.choice(["a", "b", None], n),
            "flag": random.random(n) < 0.5,
        }
    )
    frame["y"] = np.where(frame.city.isin(CITIES[:2]) == frame.kind.eq("a"), "yes", "no")
    path = tmp_path_factory.mktemp("table") / "own.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def settings(table: Path) -> tuple[str, ...]:
    return (
        "data=table", f"data.path={table}", "data.target=y", "model.network.categories=embedding", "optimizer=adam",
        "optimizer.lr=0.01", "logger=none", "figures=none",
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(settings: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_in(tmp_path_factory.mktemp("trained") / "run", *settings, "trainer.max_epochs=12")


def test_it_learns_and_evaluates_to_the_same_bits(run: Path, perceptron: Perceptron) -> None:
    restored = restore(run)
    (first, *_) = restored.model.network
    assert isinstance(first, CategoryEmbeddings)
    # city=..., kind=a, kind=b, kind=missing; the number and the flag stay.
    assert [tuple(table.weight.shape) for table in first.embeddings] == [(5, 4), (3, 3)]
    assert Run(run).metrics["test/acc"] > 0.9
    answer = perceptron("evaluate", f"run={run}", "output=-")
    assert json.loads(answer.out) == Run(run).metrics


def test_answers_and_graphs_agree(run: Path, table: Path, perceptron: Perceptron, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    frame = pd.read_csv(table)
    # Never seen: the zero vector, for no training row is rare.
    frame.loc[0, "city"] = "Paris"
    frame.to_csv(tmp_path / "rows.csv", index=False)
    restored = restore(run)
    features = restore_data(restore(run, overrides=[f"data.path={tmp_path / 'rows.csv'}"])).table.features
    with torch.inference_mode():
        wanted = restored.model.predict(torch.from_numpy(features))
    assert not features[0, :5].any()
    assert perceptron("predict", f"run={run}", f"input={tmp_path / 'rows.csv'}", f"output={tmp_path / 'a.csv'}")[0] == 0
    answers = pd.read_csv(tmp_path / "a.csv")
    assert (answers.label == np.array(restored.schema.class_names)[wanted.labels]).all()
    for kind in ("onnx", "torch"):
        output = tmp_path / f"model.{kind}"
        assert perceptron("export", f"run={run}", f"format={kind}", f"output={output}").status == 0
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    found = session.run(
        ["probabilities"],
        {
            "city": frame.city.to_numpy(dtype=object),
            "x": frame.x.to_numpy(dtype=np.float64),
            "kind": frame.kind.fillna("").to_numpy(dtype=object),
            "flag": frame.flag.to_numpy(dtype=np.float32),
        },
    )[0]
    np.testing.assert_allclose(found, wanted.probabilities, atol=1e-5)
    found = torch.export.load(tmp_path / "model.torch").module()(torch.from_numpy(features))[1]
    np.testing.assert_allclose(found.detach(), wanted.probabilities, atol=1e-5)


def test_a_run_that_goes_on_ends_as_one_that_was_never_stopped(
    run: Path, settings: tuple[str, ...], perceptron: Perceptron, tmp_path: Path
) -> None:
    short = train_in(tmp_path / "short", *settings, "trainer.max_epochs=5")
    assert perceptron("resume", f"run={short}", "trainer.max_epochs=12").status == 0
    weights = [read_checkpoint(folder / "checkpoints" / "last.ckpt")["state_dict"] for folder in (run, short)]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
    assert Run(short).metrics == Run(run).metrics


def test_an_ensemble_is_the_mean_of_its_members(
    run: Path, settings: tuple[str, ...], perceptron: Perceptron, tmp_path: Path
) -> None:
    shutil.copytree(run, tmp_path / "sweep" / "0")
    # In a member of its own shape.
    train_in(tmp_path / "sweep" / "1", *settings, "trainer.max_epochs=3", "seed=1", "model.network.category_width=2")
    assert perceptron("ensemble", f"run={tmp_path / 'sweep'}").status == 0
    folders = [tmp_path / "sweep" / name for name in ("0", "1", "ensemble")]
    rows = torch.from_numpy(restore_data(restore(run)).table.features)
    with torch.inference_mode():
        first, second, both = (restore(folder).model.predict(rows).probabilities for folder in folders)
    torch.testing.assert_close(both, (first + second) / 2)
