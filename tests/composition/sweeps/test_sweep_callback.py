from collections.abc import Sequence
from pathlib import Path

import pytest
from hydra.core.hydra_config import HydraConfig
from tests.composition.population.multiruns import TYPED, multirun

from perceptron.composition.settings.sweep_options import sweep_options
from perceptron.composition.sweeps.job_list import Admission, list_jobs
from perceptron.composition.sweeps.sweep_callback import SweepCallback, list_sweep
from perceptron.errors import UsageError
from perceptron.sweeps.combination_filter import CombinationFilter


@pytest.mark.parametrize("typed", [["seed=1,2", "optimizer.weight_decay=${.lr}", "optimizer=glob(sgd*)"], *TYPED])
def test_jobs_are_those_of_hydras_sweeper(
    typed: Sequence[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with multirun(typed) as (_, master, jobs):
        list_sweep(master)
        assert SweepCallback.n_jobs == len(jobs)
        assert SweepCallback.jobs is not None
        assert SweepCallback.jobs.jobs == jobs
        assert SweepCallback.n_left_out == 0


def test_a_filter_sees_what_each_job_is_composed_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Interpolations, options of groups, and what other options bring; and it makes no folder to see them."""
    monkeypatch.chdir(tmp_path)
    typed = ["optimizer=sgd,adam", "seed=1,2", "optimizer.weight_decay=${.lr}", "task_name=s${seed}"]
    with multirun(typed) as (loader, master, jobs):
        before = sorted(tmp_path.rglob("*"))
        settings_before = HydraConfig.instance().cfg
        text = "optimizer.weight_decay == 0.05 and task_name == 's2' or optimizer == 'adam' and optimizer.lr < 0.05"
        master.hydra.callbacks.sweep.filter = text
        found = list_jobs(master, loader, sweep_options(master))
        assert found.jobs == [jobs[1], jobs[2], jobs[3]]
        assert found.n_left_out == 1
        assert sorted(tmp_path.rglob("*")) == before
        assert HydraConfig.instance().cfg is settings_before


def test_names_that_only_some_jobs_have(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    typed = "optimizer=sgd_momentum,adam"
    with multirun([typed]) as (loader, master, jobs):
        guarded = Admission(CombinationFilter("optimizer == 'adam' or optimizer.momentum > 1"), master, loader)
        assert [guarded.admits(job) for job in jobs] == [False, True]
        for order in (typed, "optimizer=adam,sgd_momentum"):
            master.hydra.overrides.task = [order]
            master.hydra.callbacks.sweep.filter = "optimizer.momentum > 0.5"
            with pytest.raises(UsageError, match=r"got optimizer\.momentum, which one with optimizer=adam has not"):
                list_jobs(master, loader, sweep_options(master))
