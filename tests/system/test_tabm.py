"""TabM with bins and categories, from training to an exported graph and an ensemble."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tests.conftest import Perceptron, train_in

from perceptron.composition.building.data import build_data
from perceptron.composition.building.model import build_model
from perceptron.composition.building.network import fit_network
from perceptron.composition.stored.restore import restore, restore_data
from perceptron.estimators import PerceptronRegressor
from perceptron.networks import TabM
from perceptron.population import check_stack
from perceptron.runs.checkpoints.checkpoint_file import read_checkpoint
from perceptron.runs.folder import Run

SETTINGS = (
    "model=tabm", "model.network.embeddings=piecewise_linear", "model.network.members=4", "model.network.width=16",
    "optimizer=adamw", "optimizer.lr=0.01", "logger=none", "figures=none",
)  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(0)
    n = 300
    frame = pd.DataFrame(
        {
            "city": random.choice(["Bern", "Basel", "Genf"], n),
            "x": random.normal(size=n),
            "flag": random.random(n) < 0.5,
        }
    )
    frame["y"] = np.sin(3 * frame.x) + (frame.city == "Bern") + 0.5 * frame.flag
    frame.loc[random.random(n) < 0.1, "x"] = np.nan
    path = tmp_path_factory.mktemp("table") / "own.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def settings(table: Path) -> tuple[str, ...]:
    return (*SETTINGS, "data=table", f"data.path={table}", "data.target=y")


@pytest.fixture(scope="module")
def run(settings: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_in(tmp_path_factory.mktemp("trained") / "run", *settings, "trainer.max_epochs=8")


def test_bins_are_those_of_standardised_training_rows(run: Path, perceptron: Perceptron) -> None:
    restored = restore(run)
    network = restored.model.network
    assert isinstance(network, TabM)
    # city=Basel, Bern, Genf; x, x=missing; flag.
    assert network.places == [(0, 3), (4, 5), (5, 6)]
    data = restore_data(restored)
    rows = restored.model.standardize(data.rows("train")[0])
    fresh = TabM(
        n_features=6, n_outputs=1, members=4, width=16, embeddings="piecewise_linear", category_places=[[0, 3]],
        flags=[4, 5],
    )  # fmt: skip
    fresh.fit_bins(rows)
    found = network.ensemble.num_module.impl
    assert torch.equal(fresh.ensemble.num_module.impl.weight, found.weight)
    assert torch.equal(fresh.ensemble.num_module.impl.bias, found.bias)
    answer = perceptron("evaluate", f"run={run}", "output=-")
    assert json.loads(answer.out) == Run(run).metrics


def test_answers_and_graphs_agree(run: Path, table: Path, perceptron: Perceptron, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    frame = pd.read_csv(table)
    frame.loc[0, "city"] = "Paris"
    frame.to_csv(tmp_path / "rows.csv", index=False)
    restored = restore(run)
    features = restore_data(restore(run, overrides=[f"data.path={tmp_path / 'rows.csv'}"])).table.features
    with torch.inference_mode():
        wanted = restored.model.predict(torch.from_numpy(features)).labels
    assert perceptron("predict", f"run={run}", f"input={tmp_path / 'rows.csv'}", f"output={tmp_path / 'a.csv'}")[0] == 0
    np.testing.assert_allclose(pd.read_csv(tmp_path / "a.csv").iloc[:, 1], wanted[:, 0], atol=1e-5)
    for kind in ("onnx", "torch"):
        answer = perceptron("export", f"run={run}", f"format={kind}", f"output={tmp_path / f'model.{kind}'}")
        assert answer.status == 0, answer.err
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    found = session.run(
        ["values"],
        {
            "city": frame.city.to_numpy(dtype=object),
            "x": frame.x.to_numpy(dtype=np.float64),
            "flag": frame.flag.to_numpy(dtype=np.float32),
        },
    )[0]
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    found = torch.export.load(tmp_path / "model.torch").module()(torch.from_numpy(features))[0]
    np.testing.assert_allclose(found.detach(), wanted, atol=1e-5)


def test_a_run_that_goes_on_ends_as_one_that_was_never_stopped(
    run: Path, settings: tuple[str, ...], perceptron: Perceptron, tmp_path: Path
) -> None:
    short = train_in(tmp_path / "short", *settings, "trainer.max_epochs=3")
    assert perceptron("resume", f"run={short}", "trainer.max_epochs=8").status == 0
    weights = [read_checkpoint(folder / "checkpoints" / "last.ckpt")["state_dict"] for folder in (run, short)]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
    assert Run(short).metrics == Run(run).metrics


def test_an_ensemble_has_each_members_bins(perceptron: Perceptron, tmp_path: Path) -> None:
    for seed in (0, 1):
        train_in(
            tmp_path / f"sweep/{seed}", *SETTINGS, "data=diabetes", "trainer.max_epochs=2", f"data.split_seed={seed}"
        )
    assert perceptron("ensemble", f"run={tmp_path / 'sweep'}").status == 0
    folders = [tmp_path / "sweep" / name for name in ("0", "1", "ensemble")]
    rows = torch.from_numpy(restore_data(restore(folders[0])).table.features)
    first, second, both = (restore(folder).model for folder in folders)
    bins = [model.network.ensemble.num_module.impl.weight for model in (first, second)]
    assert bins[0].shape != bins[1].shape or not torch.equal(*bins)
    with torch.inference_mode():
        answers = [model.predict(rows).labels for model in (first, second, both)]
    torch.testing.assert_close(answers[2], (answers[0] + answers[1]) / 2)


@pytest.mark.parametrize("dropout", [0, 0.3])
def test_members_with_bins_can_be_stacked(dropout: float, composed: Callable) -> None:
    cfg, chosen = composed(*SETTINGS, "data=diabetes", f"model.network.dropout={dropout}")
    data = build_data(cfg.data)
    model = build_model(cfg, data, chosen=chosen)
    fit_network(model, data)
    check_stack(model.network, torch.randn(8, data.schema.n_features, generator=torch.Generator().manual_seed(0)))


def test_an_estimator_fits_them_in_its_precision() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(120, 3))

    def network(**shape: int) -> TabM:
        return TabM(members=2, width=8, dropout=0.0, embeddings="piecewise_linear", **shape)

    model = PerceptronRegressor(network=network, n_members=2, max_epochs=2, random_state=0)
    model.fit(features, features[:, 0])
    for member in model.model_.network.members:
        found = member.network.ensemble.num_module.impl.weight
        assert found.dtype == torch.float64
        assert found.shape == (3, 48)
