"""Somebody else's run uses the network where the user says so, and not before."""

import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sklearn.datasets
import yaml
from tests.conftest import Perceptron
from tests.data.downloads import california

from perceptron.composition.stored.allow_list import check_trusted
from perceptron.errors import UsageError

SETTINGS = ("model=softmax", "data=wine", "trainer.max_epochs=2", "logger=none")


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Addresses that the process tries to reach, each in vain."""
    tried: list[Any] = []

    def refuse(*address: Any, **_: Any) -> None:
        tried.append(address)
        raise OSError("no network in this test")

    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    return tried


@pytest.fixture
def run(trained: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "run"
    shutil.copytree(trained(*SETTINGS), folder)
    (folder / "metrics.json").unlink()
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "home"))
    return folder


def name_data(run: Path, **dataset: Any) -> None:
    config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    config["data"]["dataset"] = dataset
    (run / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


FETCHERS = ("fetch_openml", "fetch_california_housing", "fetch_covtype", "fetch_kddcup99", "fetch_lfw_people")


@pytest.mark.parametrize("fetcher", FETCHERS)
@pytest.mark.parametrize("command", ["evaluate", "resume"])
def test_nothing_is_downloaded(
    perceptron: Perceptron, run: Path, connections: list[Any], command: str, fetcher: str
) -> None:
    own = {"data_id": 61} if fetcher == "fetch_openml" else {}
    name_data(run, _target_=f"sklearn.datasets.{fetcher}", _partial_=True, **own)
    typed = ["trainer.max_epochs=4"] if command == "resume" else []
    answer = perceptron(command, f"run={run}", *typed)
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
    assert f"a stored configuration must not download anything, got {fetcher}" in answer.err
    assert answer.err.endswith(f"type 'trust=[sklearn.datasets.{fetcher}]'\n")
    assert connections == []


def test_an_export_does_without_a_download(perceptron: Perceptron, run: Path, connections: list[Any]) -> None:
    name_data(run, _target_="sklearn.datasets.fetch_covtype", _partial_=True)
    answer = perceptron("export", f"run={run}", "format=torch")
    assert answer.status == 0, answer.err
    assert "must not download anything, got fetch_covtype" in answer.out
    assert connections == []


def test_nothing_is_downloaded_while_a_configuration_is_built(
    perceptron: Perceptron, run: Path, connections: list[Any]
) -> None:
    name_data(run, _target_="sklearn.datasets.fetch_openml", data_id=61)
    answer = perceptron("evaluate", f"run={run}")
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
    assert connections == []


def test_the_user_may_admit_a_download(perceptron: Perceptron, run: Path, connections: list[Any]) -> None:
    name_data(run, _target_="sklearn.datasets.fetch_openml", _partial_=True, data_id=61)
    perceptron("evaluate", f"run={run}", "trust=[sklearn.datasets.fetch_openml]")
    assert connections


def test_what_lies_on_the_disk_is_read(
    perceptron: Perceptron, tmp_path: Path, connections: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    california(tmp_path / "home")
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "home"))
    run = tmp_path / "run"
    typed = ("data=california_housing", "model=linear", "trainer.max_epochs=1", "logger=none", "figures=none")
    assert perceptron("train", *typed, f"hydra.run.dir={run}").status == 0
    for command in (("evaluate",), ("resume", "trainer.max_epochs=2")):
        answer = perceptron(*command, f"run={run}")
        assert answer.status == 0, answer.err
    assert connections == []


def test_all_that_scikit_learn_downloads_is_known() -> None:
    fetchers = [name for name in dir(sklearn.datasets) if name.startswith("fetch_") and name != "fetch_file"]
    assert set(FETCHERS) <= set(fetchers)
    for name in fetchers:
        with pytest.raises(UsageError, match="must not download while it is built"):
            check_trusted({"_target_": f"sklearn.datasets.{name}"}, where="x")


@pytest.mark.parametrize("logger", ["WandbLogger", "MLFlowLogger", "CometLogger", "NeptuneLogger"])
def test_loggers_of_servers_need_trust(logger: str) -> None:
    part = {"logger": {"x": {"_target_": f"lightning.pytorch.loggers.{logger}"}}}
    with pytest.raises(UsageError, match="must not name code"):
        check_trusted(part, where="x")
    check_trusted(part, where="x", trust=[f"lightning.pytorch.loggers.{logger}"])


STORAGES = (
    "postgresql://host/db", "mysql://me@host/db", "sqlite://", "sqlite:///search.db", "sqlite:////etc/search.db",
    "sqlite:///{run}/search.db?vfs=x", "sqlite:///file:{run}/search.db?uri=true", "env:HOME",
)  # fmt: skip


@pytest.mark.parametrize("storage", STORAGES)
def test_no_other_database_is_opened(perceptron: Perceptron, run: Path, connections: list[Any], storage: str) -> None:
    config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    config["callbacks"]["pruning"] = {
        "_target_": "perceptron.callbacks.PruneHopeless", "storage": storage.format(run=run), "study_name": "search",
        "number": 0, "monitor": "val/loss", "pruner": {"_target_": "optuna.pruners.MedianPruner"},
    }  # fmt: skip
    (run / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    answer = perceptron("resume", f"run={run}", "trainer.max_epochs=4")
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
    assert "must use the search.db of its own sweep" in answer.err
    assert answer.err.endswith("type 'trust=[callbacks.pruning.storage]'\n")
    assert connections == []


def test_a_job_of_a_search_is_resumed_where_the_sweep_lies_now(perceptron: Perceptron, tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    answer = perceptron(
        "train", "-m", *SETTINGS, "figures=none", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=1",
        "optimizer.lr=interval(0.01,0.1)", f"hydra.sweep.dir={sweep}",
    )  # fmt: skip
    assert answer.status == 0, answer.err
    moved = sweep.rename(tmp_path / "moved")
    answer = perceptron("resume", f"run={moved / '0'}", "trainer.max_epochs=3")
    assert answer.status == 0, answer.err
    assert not sweep.exists()
