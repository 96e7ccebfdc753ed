"""Paths of data are stored as they are from any folder."""

from pathlib import Path

import pytest
import yaml
from hydra.core.hydra_config import HydraConfig
from tests.conftest import Perceptron

from perceptron.composition.settings.data_paths import with_absolute_paths

ROWS = "x,y\n" + "".join(f"{i},{i % 2}\n" for i in range(40))
SHORT = ("figures=none", "logger=none", "trainer.max_epochs=1")


def test_paths_of_each_kind_of_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # Hydra leaves the folder of an earlier run in this process there.
    monkeypatch.setattr(HydraConfig.instance(), "cfg", None)
    table = {"_target_": "perceptron.data.table_from_files", "path": "parts/*.csv", "test_path": None, "target": "y"}
    arrays = {"_target_": "perceptron.data.table_from_arrays", "features": "x.npy", "target": "y.npy"}
    svmlight = {"dataset": {"_target_": "sklearn.datasets.load_svmlight_file", "f": "rows.svm"}}
    here = str(tmp_path)
    for data, wanted in (
        (table, table | {"path": f"{here}/parts/*.csv"}),
        (table | {"path": "/data/rows.csv"}, table | {"path": "/data/rows.csv"}),
        (arrays, arrays | {"features": f"{here}/x.npy", "target": f"{here}/y.npy"}),
        (arrays | {"features": "x.parquet"}, arrays | {"features": f"{here}/x.parquet"}),
        (svmlight, {"dataset": svmlight["dataset"] | {"f": f"{here}/rows.svm"}}),
    ):
        given = {"data": dict(data), "ckpt_path": None}
        assert with_absolute_paths(given) == {"data": wanted, "ckpt_path": None}
        assert given["data"] == data
    assert with_absolute_paths({"data": table, "ckpt_path": "runs/a"})["ckpt_path"] == f"{here}/runs/a"
    monkeypatch.setenv("HOME", "/home/me")
    assert with_absolute_paths({"data": table | {"path": "~/t.csv"}})["data"]["path"] == "/home/me/t.csv"


def test_a_run_is_evaluated_and_resumed_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, perceptron: Perceptron
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "rows.csv").write_text(ROWS, encoding="utf-8")
    monkeypatch.chdir(tmp_path / "a")
    settings = ("data=table", "data.path=rows.csv", "data.target=y", "hydra.run.dir=../run", *SHORT)
    assert perceptron("train", *settings).status == 0
    monkeypatch.chdir(tmp_path)
    assert yaml.safe_load(Path("run/config.yaml").read_text(encoding="utf-8"))["data"]["path"] == str(
        tmp_path / "a" / "rows.csv"
    )
    assert perceptron("evaluate", "run=run").status == 0
    assert perceptron("resume", "run=run", "trainer.max_epochs=2").status == 0


def test_jobs_in_folders_of_their_own_read_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, perceptron: Perceptron
) -> None:
    (tmp_path / "rows.csv").write_text(ROWS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    settings = ("data=table", "data.path=rows.csv", "data.target=y", "hydra.sweep.dir=sweep", *SHORT)
    answer = perceptron("train", "-m", "seed=0,1", "hydra.job.chdir=true", *settings)
    assert answer.status == 0, answer.err
    for job in ("0", "1"):
        assert Path("sweep", job, "metrics.json").is_file()
