from pathlib import Path

import pytest
from tests.composition.population.multiruns import multirun

from perceptron.composition.sweeps.sweep_callback import SweepCallback, list_sweep


def test_jobs_are_counted_whatever_they_refer_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with multirun(["seed=1,2", "optimizer.weight_decay=${.lr}", "optimizer=glob(sgd*)"]) as (_, master, jobs):
        assert list_sweep(master) == len(jobs) == 4
        assert SweepCallback.jobs is not None
        # As Hydra's own sweeper makes them.
        assert SweepCallback.jobs.jobs == jobs
