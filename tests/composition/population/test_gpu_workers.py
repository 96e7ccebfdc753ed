"""A process for each GPU, which are claimed alone: what is trained there takes the best device there is, a core."""

from pathlib import Path

import pytest
import torch
from tests.population.comparing import assert_same_jobs, jobs, sweep

from perceptron.composition.population import launcher
from perceptron.composition.population.gpu_workers import GpuWorkers, gpus
from perceptron.composition.population.groups import Group
from perceptron.composition.population.multirun_jobs import ComposedJob

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="the GPUs are claimed, not used")
WINE = ["hydra/launcher=population", "data=wine", "model=digits_mlp", "trainer.max_epochs=2", "logger=none"]


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A network that leaves the GPU of its process in a file; where ``die`` names it, the process ends."""
    (tmp_path / "noting.py").write_text(
        "import os, pathlib, time\n"
        "from torch import nn\n"
        "HERE = pathlib.Path(__file__).parent\n"
        "class Noting(nn.Sequential):\n"
        "    def __init__(self, n_features, n_outputs):\n"
        "        super().__init__(nn.Linear(n_features, 5), nn.ReLU(), nn.Linear(5, n_outputs))\n"
        "        gpu = os.environ.get('CUDA_VISIBLE_DEVICES', 'none')\n"
        "        (HERE / f'gpu {gpu} {os.getpid()}').touch()\n"
        "        if (HERE / f'die {gpu}').exists():\n"
        "            (HERE / f'die {gpu}').unlink()\n"
        "            os._exit(9)\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(launcher, "gpus", lambda: ["0", "1"])
    return "model.network={_target_:noting.Noting}"


@pytest.mark.slow
def test_each_gpu_gets_shares(network: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str]) -> None:
    settings = [*WINE, network, "seed=range(20)"]
    together = sweep(monkeypatch, tmp_path / "two", *settings)
    assert "group 1 of 1: 20 members, 10 in each of 2 tasks: jobs 0 to 19" in said
    assert said[-1].startswith("20 members trained in")
    found = {path.name.split()[1] for path in tmp_path.glob("gpu *")}
    # The first job of the group is built in this process, which sees all.
    assert found == {"none", "0", "1"}
    monkeypatch.setattr(launcher, "gpus", list)
    one = sweep(monkeypatch, tmp_path / "one", *settings, "trainer.num_threads=2")
    assert_same_jobs(one, together, weights=0, metrics=0)


@pytest.mark.slow
def test_a_process_that_is_lost_leaves_its_jobs_to_be_run_alone(
    network: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    said: list[str],
) -> None:
    (tmp_path / "die 1").touch()
    folder = sweep(monkeypatch, tmp_path / "logs", *WINE, network, "seed=range(16)", "hydra.launcher.max_members=8")
    (lost,) = [line for line in said if "run alone: its process ended with 9" in line]
    assert lost.startswith("jobs ")
    assert len([path for path in jobs(folder) if (path / "metrics.json").is_file()]) == 16
    # The one that was lost; the one in its place begins nothing where the other GPU has done the rest.
    assert list(tmp_path.glob("gpu 1 *"))


@pytest.mark.parametrize(
    ("visible", "names"), [(None, ["0", "1"]), ("5,3", ["5", "3"]), ("GPU-a,GPU-b,", ["GPU-a", "GPU-b"])]
)
def test_gpus_have_the_names_that_this_process_sees(
    visible: str | None, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpus() == names


def test_a_group_has_a_share_for_each_gpu() -> None:
    group = Group("", ComposedJob(0, {}, {}), None, range(100))  # type: ignore[arg-type]
    workers = GpuWorkers(["0", "1", "2"])
    assert (workers.n_tasks(group), workers.most_members(group), workers.room()) == (3, 100, 3)
