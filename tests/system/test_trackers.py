"""MLflow and Weights & Biases, offline: a run for each job, with settings, metrics, figures and its folder."""

import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

SHORT = ("model=binary_mlp", "data.standardize=none", "trainer.max_epochs=2", "trainer.accelerator=cpu", "tags=[trial]")
LAUNCHERS = ("basic", "population")


def _metrics(folder: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return found


def _final(metrics: dict[str, float]) -> dict[str, float]:
    return {name if name.startswith("test/") else f"best/{name}": value for name, value in metrics.items()}


def _sweep(perceptron: Any, tmp_path: Path, *typed: str) -> Path:
    sweep = tmp_path / "logs/train/multiruns/mine"
    places = (f"paths.log_dir={tmp_path}/logs", f"hydra.sweep.dir={sweep}")
    answer = perceptron("train", "-m", *SHORT, "optimizer.lr=0.1,0.5,1e30,0.01", *typed, *places)
    assert answer.status == 1, answer.err
    assert [job.name for job in sweep.iterdir() if (job / "error.txt").is_file()] == ["2"]
    return sweep


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_mlflow_has_a_run_for_each_job(launcher: str, perceptron, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    sweep = _sweep(perceptron, tmp_path, "logger=mlflow", f"hydra/launcher={launcher}", "figures=end")
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/logs/mlflow.db")
    (experiment,) = [each for each in client.search_experiments() if each.name == "train"]
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {f"mine/{job}" for job in range(4)}
    for job, rate in enumerate((0.1, 0.5, 1e30, 0.01)):
        run = runs[f"mine/{job}"]
        assert run.data.tags["run_folder"] == str(sweep / str(job))
        assert (run.data.tags["sweep"], run.data.tags["tags"]) == ("mine", "trial")
        assert run.info.status == ("FAILED" if rate == 1e30 else "FINISHED")
        if rate != 1e30:
            assert _final(_metrics(sweep / str(job))).items() <= run.data.metrics.items()
            assert run.data.params["optimizer.lr"] == str(rate)
            assert run.data.params["checkpoint"] == "checkpoints/best.ckpt"
            assert any(each.path.endswith(".png") for each in client.list_artifacts(run.info.run_id, "figures"))


class _Tracked(NamedTuple):
    name: str
    group: str
    tags: list[str]
    notes: str
    config: dict[str, Any]
    metrics: dict[str, Any]
    exit_code: int


def _records(data: bytes) -> Iterator[Any]:
    """The records of a file of W&B, a log of LevelDB behind a header: it has no reader in Python."""
    from wandb.proto.wandb_internal_pb2 import Record

    place, whole = 7, b""
    while place + 7 <= len(data):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        length, kind = struct.unpack_from("<HB", data, place + 4)
        whole += data[place + 7 : place + 7 + length]
        place += 7 + length
        # A whole record, or its last part.
        if kind in (1, 4):
            yield Record.FromString(whole)
            whole = b""


def _tracked(file: Path) -> _Tracked:
    records = list(_records(file.read_bytes()))
    (run,) = (record.run for record in records if record.WhichOneof("record_type") == "run")
    (end,) = (record.exit for record in records if record.WhichOneof("record_type") == "exit")
    config = [item for record in records for item in (*record.config.update, *record.run.config.update)]
    metrics = [item for record in records for item in record.history.item]
    return _Tracked(
        run.display_name, run.run_group, list(run.tags), run.notes, _values(config), _values(metrics), end.exit_code
    )


def _values(items: Iterable[Any]) -> dict[str, Any]:
    return {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in items}


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_wandb_has_a_run_for_each_job(launcher: str, perceptron, tmp_path: Path, monkeypatch) -> None:
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    sweep = _sweep(perceptron, tmp_path, "logger=wandb", f"hydra/launcher={launcher}", "figures=none")
    assert wandb.run is None
    for job, rate in enumerate((0.1, 0.5, 1e30, 0.01)):
        (file,) = (sweep / str(job) / "wandb").glob("offline-run-*/run-*.wandb")
        tracked = _tracked(file)
        assert (tracked.name, tracked.group, tracked.tags) == (f"mine/{job}", "mine", ["trial"])
        assert tracked.notes == str(sweep / str(job))
        assert tracked.exit_code == (1 if rate == 1e30 else 0)
        if rate != 1e30:
            assert tracked.config["optimizer.lr"] == rate
            assert tracked.config["checkpoint"] == "checkpoints/best.ckpt"
            assert _final(_metrics(sweep / str(job))).items() <= tracked.metrics.items()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_single_run_has_no_sweep(perceptron, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    typed = ("logger=[csv,mlflow]", "figures=none", f"paths.log_dir={tmp_path}/logs", f"hydra.run.dir={tmp_path}/mine")
    answer = perceptron("train", *SHORT, *typed)
    assert answer.status == 0, answer.err
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/logs/mlflow.db")
    (run,) = client.search_runs([each.experiment_id for each in client.search_experiments()])
    assert (run.info.run_name, run.data.tags["sweep"]) == ("mine", "")
    assert len(client.get_metric_history(run.info.run_id, "val/loss")) == 2
    assert "trust=[lightning.pytorch.loggers.MLFlowLogger]" in perceptron("evaluate", f"run={tmp_path}/mine").err
    trust = "trust=[lightning.pytorch.loggers.MLFlowLogger]"
    assert perceptron("evaluate", f"run={tmp_path}/mine", trust).status == 0


@pytest.fixture
def interrupted(tmp_path: Path, root: Path) -> Callable[..., int]:
    """Train in a process of its own, interrupt it in the middle, and return how it ended."""

    def run(*typed: str, until: str) -> int:
        endless = ("trainer.max_epochs=1000000", "callbacks.early_stopping=null", "figures=none")
        command = [sys.executable, "train.py", *typed[:1], *SHORT, *endless, *typed[1:]]
        # In a session of its own, whose processes can be counted.
        said = tmp_path / "said.txt"
        with said.open("wb") as file:
            process = subprocess.Popen(command, cwd=root, start_new_session=True, stdout=file, stderr=file)
        try:
            for _ in range(600):
                if any(tmp_path.glob(until)) or until in said.read_text(encoding="utf-8") or process.poll() is not None:
                    break
                time.sleep(0.1)
            else:
                raise AssertionError(f"no {until}")
            process.send_signal(signal.SIGINT)
            status = process.wait(timeout=60)
            for _ in range(100):
                if not _of_session(process.pid):
                    break
                time.sleep(0.1)
            assert _of_session(process.pid) == []
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        return status

    return run


def _of_session(session: int) -> list[int]:
    """Processes of a session that are still alive."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, _, own = stat.read_text(encoding="utf-8").rpartition(")")[2].split()[:4]
            if int(own) == session and state != "Z":
                found.append(int(stat.parent.name))
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads processes from /proc")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("launcher", [None, *LAUNCHERS])
def test_an_interruption_leaves_no_open_run_of_mlflow(launcher: str | None, interrupted, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    assert interrupted(*_places(launcher, tmp_path), "logger=mlflow", until=_begun(launcher)) == 130
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/logs/mlflow.db")
    runs = client.search_runs([each.experiment_id for each in client.search_experiments()])
    assert {run.info.status for run in runs} <= {"FAILED", "KILLED", "FINISHED"}
    assert len(runs) == (0 if launcher == "population" else 1)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads processes from /proc")
@pytest.mark.parametrize("launcher", [None, *LAUNCHERS])
def test_an_interruption_leaves_no_open_run_of_wandb(launcher: str | None, interrupted, tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    assert interrupted(*_places(launcher, tmp_path), "logger=wandb", until=_begun(launcher)) == 130
    files = [*tmp_path.glob("**/wandb/offline-run-*/run-*.wandb")]
    # Each has a record of its end.
    assert [_tracked(file).exit_code for file in files] == ([] if launcher == "population" else [1])


def _places(launcher: str | None, tmp_path: Path) -> tuple[str, ...]:
    logs = f"paths.log_dir={tmp_path}/logs"
    if launcher is None:
        return f"hydra.run.dir={tmp_path}/mine", logs
    # A population names its groups if there are several.
    return "-m", "model.network.hidden=[5],[6]", f"hydra/launcher={launcher}", f"hydra.sweep.dir={tmp_path}/mine", logs


def _begun(launcher: str | None) -> str:
    """A file that is there once the first job trains; what a population, which writes at its end, says."""
    return "group 1 of 2" if launcher == "population" else "mine/**/checkpoints/best.ckpt"
