"""A population on a real Ray cluster of two local nodes: what is lost, what comes back, what is said."""

import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.population.comparing import assert_same_jobs, jobs, sweep

ray = pytest.importorskip("ray")
from ray.cluster_utils import Cluster  # noqa: E402

from perceptron.composition.population import ray_connection, ray_workers  # noqa: E402
from perceptron.composition.population.groups import Group  # noqa: E402
from perceptron.composition.population.multirun_jobs import ComposedJob  # noqa: E402
from perceptron.composition.population.ray_workers import RayWorkers  # noqa: E402
from perceptron.errors import UsageError  # noqa: E402

# Ray's cluster for tests leaves sockets to the garbage collection.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
ROOT = Path(__file__).parents[3]
WINE = ["hydra/launcher=population", "data=wine", "model=digits_mlp", "model.network.hidden=[10]"]
Start = Callable[..., "subprocess.Popen[str]"]


@contextmanager
def _cluster(*nodes: dict[str, int]) -> Iterator[Cluster]:
    """A cluster of local nodes; the first one is the head."""
    made = Cluster(initialize_head=True, head_node_args={**nodes[0], "include_dashboard": False})
    try:
        for node in nodes[1:]:
            made.add_node(**node)
        yield made
    finally:
        made.shutdown()
        del made
        gc.collect()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Two nodes with two cores each."""
    with _cluster({"num_cpus": 2}, {"num_cpus": 2}) as made:
        yield made


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a sweep on a cluster; what still runs at the end of the test is killed."""
    started = []

    def run(address: str, *arguments: str, logs: Path = tmp_path) -> "subprocess.Popen[str]":
        is_new = not arguments[0].startswith("sweep.resume=")
        own = ["hydra.launcher.cluster=auto", "figures=none", f"paths.log_dir={logs}"] if is_new else []
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        environment = {**os.environ, "RAY_ADDRESS": address}
        command = [sys.executable, "train.py", "-m", *own, *arguments]
        started.append(subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True, **pipes))
        return started[-1]

    yield run
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _ended(process: "subprocess.Popen[str]") -> str:
    """What a sweep printed."""
    return process.communicate(timeout=280)[0]


def _wait_for_jobs(logs: Path, count: int, process: "subprocess.Popen[str]") -> None:
    while len(list(logs.glob("train/multiruns/*/*/metrics.json"))) < count:
        assert process.poll() is None, _ended(process)
        time.sleep(0.05)


def _folder(logs: Path) -> Path:
    (folder,) = logs.glob("train/multiruns/*")
    return folder


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_lost_node_loses_nothing(
    cluster: Cluster, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same shares on one machine give the same bits."""
    settings = [*WINE, "seed=range(128)", "optimizer.lr=0.1,0.3", "hydra.launcher.max_members=64"]
    (lost,) = cluster.worker_nodes
    process = start(cluster.address, *settings, "trainer.max_epochs=30", logs=tmp_path / "two")
    _wait_for_jobs(tmp_path / "two", 40, process)
    cluster.remove_node(lost, allow_graceful=False)
    printed = _ended(process)
    assert process.returncode == 0, printed
    assert "256 members, 16 in each of 16 tasks: jobs 0 to 255" in printed
    assert "nodes of the Ray cluster: 1 lost, 1 left" in printed
    assert "256 members trained in" in printed
    assert "alone" not in printed
    one = sweep(monkeypatch, tmp_path / "one", *settings, "trainer.max_epochs=30", "trainer.num_threads=4")
    assert len(jobs(one)) == 256
    assert_same_jobs(one, _folder(tmp_path / "two"), weights=0, metrics=0)
    assert not list(tmp_path.glob("two/train/multiruns/*/.tasks-*"))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_tasks_say_and_what_runs_alone(cluster: Cluster, start: Start, tmp_path: Path) -> None:
    (tmp_path / "heard.py").write_text(
        "from hydra.experimental.callback import Callback\n"
        "class Heard(Callback):\n"
        "    def on_job_start(self, config, **_):\n"
        "        print('starts', config.hydra.job.num)\n"
        "    def on_job_end(self, config, job_return, **_):\n"
        "        print('ends', config.hydra.job.num, job_return.status.name)\n",
        encoding="utf-8",
    )
    (tmp_path / "widths.py").write_text(
        "from torch import nn\n"
        "class Wide(nn.Sequential):\n"
        "    def __init__(self, n_features, n_outputs):\n"
        "        super().__init__(nn.Linear(n_features, 7), nn.ReLU(), nn.Linear(7, n_outputs))\n",
        encoding="utf-8",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path))
        process = start(
            cluster.address,
            "hydra/launcher=population",
            "data=wine",
            "model=digits_mlp,sklearn_logistic",
            "optimizer.lr=0.1,1e30",
            "seed=range(2)",
            "trainer.max_epochs=2",
            "+hydra.callbacks.heard._target_=heard.Heard",
        )
        printed = _ended(process)
        own = start(
            cluster.address,
            *WINE[:3],
            "model.network={_target_:widths.Wide}",
            "seed=range(4)",
            "trainer.max_epochs=2",
            logs=tmp_path / "own",
        )
        printed_of_own = _ended(own)
    assert process.returncode == 1, printed
    assert "jobs 4 to 7 run alone: scikit-learn fits its model" in printed
    assert "4 members trained in" in printed
    assert "2 failed" in printed
    for number in range(8):
        assert printed.count(f"starts {number}\n") == 1
        assert printed.count(f"ends {number} COMPLETED\n") == 1
    folder = _folder(tmp_path)
    assert [(job / "error.txt").is_file() for job in jobs(folder)] == [False, False, True, True, *[False] * 4]
    command = json.loads((folder / "0/provenance.json").read_text(encoding="utf-8"))["command"]
    assert command[:2] == ["train.py", "-m"]
    assert own.returncode == 0, printed_of_own
    assert "alone" not in printed_of_own
    assert len(list((tmp_path / "own").glob("train/multiruns/*/*/metrics.json"))) == 4


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_sweep_that_is_interrupted_goes_on(cluster: Cluster, start: Start, tmp_path: Path) -> None:
    settings = [*WINE, "seed=range(64)", "hydra.launcher.max_members=16", "callbacks.early_stopping=null"]
    process = start(cluster.address, *settings, "trainer.max_epochs=60")
    _wait_for_jobs(tmp_path, 8, process)
    process.send_signal(signal.SIGINT)
    printed = _ended(process)
    assert process.returncode == 130, printed
    assert f"-m sweep.resume={_folder(tmp_path)}" in printed
    ray.init(cluster.address, log_to_driver=False)
    while ray.available_resources().get("CPU") != 4:
        time.sleep(0.1)
    ray.shutdown()
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.glob("train/multiruns/*/*/metrics.json")}
    assert 8 <= len(finished) < 64
    resumed = start(cluster.address, f"sweep.resume={_folder(tmp_path)}")
    printed = _ended(resumed)
    assert resumed.returncode == 0, printed
    assert len(list(tmp_path.glob("train/multiruns/*/*/metrics.json"))) == 64
    assert all(path.stat().st_mtime_ns == written for path, written in finished.items())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_folders_come_back_from_a_node_that_does_not_share_the_disk(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    private = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs none "{logs}" && exec "$@"', "sh"]
    if subprocess.run([*private, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    with _cluster({"num_cpus": 0}) as cluster:
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", f"--address={cluster.address}", "--block"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        limits = ["--num-cpus=2", "--object-store-memory=100000000"]
        node = subprocess.Popen([*private, *command, *limits], start_new_session=True, **quiet)
        try:
            process = start(cluster.address, *WINE, "seed=range(16)", "trainer.max_epochs=3", logs=logs)
            printed = _ended(process)
        finally:
            os.killpg(node.pid, signal.SIGTERM)
            node.wait()
    assert process.returncode == 0, printed
    assert "alone" not in printed
    one = sweep(monkeypatch, tmp_path / "one", *WINE, "seed=range(16)", "trainer.max_epochs=3", "trainer.num_threads=2")
    assert_same_jobs(one, _folder(logs), weights=0, metrics=0)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ray_is_started_where_no_address_is_given(start: Start, tmp_path: Path) -> None:
    process = start(
        "", *WINE, "seed=range(8)", "trainer.max_epochs=2", "hydra.launcher.cluster=ray", "trainer.accelerator=cpu"
    )
    printed = _ended(process)
    assert process.returncode == 0, printed
    assert "8 members" in printed
    assert "ray" not in printed.replace(str(tmp_path), "").lower()
    refused = start("", *WINE, "seed=range(8)", "hydra.launcher.cluster=ray", "trainer.accelerator=gpu")
    printed = _ended(refused)
    assert refused.returncode == 2, printed
    assert "error: trainer.accelerator=gpu needs a GPU of the Ray cluster, got none; set" in printed


@pytest.mark.slow
def test_a_task_for_each_gpu_by_rays_own_placement(start: Start, tmp_path: Path) -> None:
    """The GPUs are claimed alone, so that the tasks, which take the best device there is, train on their cores."""
    with _cluster({"num_cpus": 2, "num_gpus": 1}, {"num_cpus": 2, "num_gpus": 2}) as cluster:
        process = start(cluster.address, *WINE, "seed=range(30)", "trainer.max_epochs=2")
        printed = _ended(process)
    assert process.returncode == 0, printed
    assert "30 members, 10 in each of 3 tasks" in printed
    assert len(list(tmp_path.glob("train/multiruns/*/*/metrics.json"))) == 30


def _group(accelerator: str, count: int = 200) -> Group:
    first = ComposedJob(0, {"trainer": {"accelerator": accelerator}}, {})
    return Group("", first, None, range(count))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("accelerator", "resources", "n_tasks", "most"),
    [
        ("auto", {"CPU": 6.0}, 6, 64),
        ("cpu", {"CPU": 6.0, "GPU": 2.0}, 6, 64),
        ("auto", {"CPU": 6.0, "GPU": 2.0}, 2, 200),
        ("gpu", {"CPU": 6.0, "GPU": 2.0}, 2, 200),
        # It may grow.
        ("gpu", {"CPU": 6.0}, 1, 200),
        ("cpu", {}, 1, 64),
    ],
)
def test_tasks_are_as_many_as_there_are_devices(
    accelerator: str,
    resources: dict[str, float],
    n_tasks: int,
    most: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "somewhere:6379")
    monkeypatch.setattr(ray_workers.ray, "cluster_resources", lambda: resources)
    found = RayWorkers()
    assert found.n_tasks(_group(accelerator)) == n_tasks
    assert found.most_members(_group(accelerator)) == most


def test_a_gpu_that_this_machine_has_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray_workers.ray, "cluster_resources", lambda: {"CPU": 6.0})
    with pytest.raises(UsageError, match=r"^trainer\.accelerator=cuda needs a GPU of the Ray cluster, got none; set"):
        RayWorkers().n_tasks(_group("cuda"))


def test_rays_handler_of_sigterm_does_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def init(*_: object, **__: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise ConnectionError("Failed to connect to Ray cluster at nowhere:1")

    monkeypatch.setenv("RAY_ADDRESS", "nowhere")
    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(UsageError, match=r"^a Ray cluster must answer, got Failed to connect .* from nowhere; set"):
        ray_connection.connect()
    assert signal.getsignal(signal.SIGTERM) == before
