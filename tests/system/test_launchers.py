"""Each launcher started for real: the same numbers as one job after the other."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perceptron.sweeps.job_folders import State, find_jobs

ROOT = Path(__file__).parent.parent.parent
LAUNCHERS = {
    "basic": [],
    "joblib": ["hydra.launcher.n_jobs=2"],
    "submitit_local": [],
    "ray": ["+hydra.launcher.ray.init.num_cpus=2"],
}


Train = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def train() -> Iterator[Train]:
    """Starts a multirun; what still runs at the end of the test is killed."""
    started = []

    def start(*arguments: str) -> "subprocess.Popen[bytes]":
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        command = [sys.executable, "train.py", "-m", *arguments]
        # A session of its own, so that a kill takes its workers too.
        started.append(subprocess.Popen(command, cwd=ROOT, start_new_session=True, **quiet))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_launcher_gives_the_same_numbers(train: Train, tmp_path: Path) -> None:
    found = {}
    for name, settings in LAUNCHERS.items():
        logs = tmp_path / name
        process = train(
            f"hydra/launcher={name}", *settings, "model=logistic,binary_mlp", "seed=0,1",
            "trainer.max_epochs=3", "logger=none", f"paths.log_dir={logs}",
        )  # fmt: skip
        assert process.wait(280) == 0, name
        (sweep,) = logs.glob("train/multiruns/*")
        found[name] = [json.loads((sweep / str(job) / "metrics.json").read_text(encoding="utf-8")) for job in range(4)]
    assert found["basic"][0] != found["basic"][1]
    assert all(metrics == found["basic"] for metrics in found.values())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_search_killed_anywhere_loses_and_doubles_no_trial(train: Train, tmp_path: Path) -> None:
    moments = random.Random(0)  # noqa: S311
    process = train(
        "hparams_search=optuna", "hydra.sweeper.n_trials=50", "trainer.max_epochs=8", "logger=none",
        f"paths.log_dir={tmp_path}",
    )  # fmt: skip
    sweep = tmp_path
    for kill in range(2):
        while not any(tmp_path.glob("train/multiruns/*/*/.hydra/overrides.yaml")):
            assert process.poll() is None
            time.sleep(0.1)
        # The imports of a resumed search take their time before its first job.
        time.sleep(moments.uniform(1, 8) + 12 * kill)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        (sweep,) = tmp_path.glob("train/multiruns/*")
        process = train(f"sweep.resume={sweep}")
    assert process.wait(600) == 0
    with sqlite3.connect(sweep / "search.db") as storage:
        states = dict(storage.execute("select number, state from trials").fetchall())
        drawn = storage.execute(
            "select group_concat(param_value) from (select * from trial_params order by trial_id, param_name) "
            "group by trial_id"
        ).fetchall()
    assert sorted(states) == list(range(50))
    assert set(states.values()) <= {"COMPLETE", "PRUNED"}
    assert len(set(drawn)) == 50
    jobs = {int(job.folder.name): job.state for job in find_jobs(sweep)}
    told = {"COMPLETE": State.DONE, "PRUNED": State.PRUNED}
    assert jobs == {number: told[state] for number, state in states.items()}


@pytest.mark.slow
def test_large_jobs_side_by_side_take_no_more_threads_than_there_are_cores(tmp_path: Path) -> None:
    probe = """
import json
from pathlib import Path
import lightning as L
import torch
class Probe(L.Callback):
    def on_train_start(self, trainer, pl_module):
        Path(trainer.default_root_dir, "threads.json").write_text(json.dumps(torch.get_num_threads()))
"""
    (tmp_path / "probe.py").write_text(probe, encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), environment.get("PYTHONPATH", "")])
    subprocess.run(
        [
            sys.executable, "train.py", "-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "seed=0,1",
            "model=digits_mlp", "model.network.hidden=[1000]", "data.batch_size=1024", "trainer.max_epochs=1",
            "+callbacks.probe._target_=probe.Probe", "logger=none", "figures=none", f"paths.log_dir={tmp_path}",
        ],
        cwd=ROOT, env=environment, check=True, capture_output=True,
    )  # fmt: skip
    taken = [json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.glob("train/multiruns/*/*/threads.json")]
    assert len(taken) == 2
    assert sum(taken) <= max(2, len(os.sched_getaffinity(0)))
