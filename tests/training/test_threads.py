from collections.abc import Iterator

import pytest
import torch
from omegaconf import OmegaConf
from torch import nn

from perceptron.composition.sweeps.sweep_callback import threads_per_job
from perceptron.training import threads
from perceptron.training.threads import cores, set_threads

SMALL, LARGE = nn.Linear(64, 10), nn.Linear(1024, 1024)


@pytest.fixture(autouse=True)
def _four_threads_at_first(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = torch.get_num_threads()
    monkeypatch.setattr(threads, "_AT_FIRST", 4)
    yield
    torch.set_num_threads(before)


def test_the_work_of_a_step_decides_whatever_came_before() -> None:
    taken = []
    for network in (LARGE, SMALL, LARGE):
        set_threads("auto", network, rows_per_step=32)
        taken.append(torch.get_num_threads())
    assert taken == [4, 1, 4]


@pytest.mark.parametrize(("share", "expected"), [(2, 2), (16, 4)])
def test_a_sweep_takes_no_more_cores_than_its_container_has(
    share: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "cpu_count", lambda: share)
    assert cores("auto") == expected
    assert cores(3) == 3


def test_a_number_is_taken_as_it_is() -> None:
    set_threads(3, SMALL, rows_per_step=1)
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize(
    ("launcher", "settings", "expected"),
    [
        ("basic", {}, None),
        ("population", {}, None),
        ("joblib", {"n_jobs": 2}, 4),
        ("joblib", {"n_jobs": 3}, 2),
        ("joblib", {"n_jobs": 16}, 1),
        ("joblib", {"n_jobs": -1}, 1),
        ("submitit_local", {"cpus_per_task": None}, 1),
        ("submitit_slurm", {"cpus_per_task": 6}, 6),
        ("ray", {"ray": {"remote": {}}}, 1),
        ("ray", {"ray": {"remote": {"num_cpus": 2}}}, 2),
    ],
)
def test_jobs_side_by_side_share_the_cores(
    launcher: str, settings: dict, expected: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("joblib.cpu_count", lambda: 8)
    config = OmegaConf.create({"hydra": {"launcher": settings, "runtime": {"choices": {"hydra/launcher": launcher}}}})
    assert threads_per_job(config) == expected
