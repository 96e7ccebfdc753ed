from pathlib import Path

import pytest

from perceptron.errors import UsageError
from perceptron.sweeps.job_folders import Job, find_jobs
from perceptron.sweeps.sweep_folders import check_sweep_folder, jobs_by_sweep


def _multirun(folder: Path, *jobs: str) -> Path:
    for job in jobs:
        (folder / job / ".hydra").mkdir(parents=True)
        (folder / job / ".hydra/overrides.yaml").write_text("- seed=0\n", encoding="utf-8")
    (folder / "multirun.yaml").touch()
    return folder


@pytest.mark.parametrize("inside", ["one", "train/multiruns/one"])
def test_a_folder_of_sweeps_is_none_itself(tmp_path: Path, inside: str) -> None:
    sweep = _multirun(tmp_path / inside, "0")
    check_sweep_folder(sweep, of_a_run="use load_run")
    with pytest.raises(UsageError) as caught:
        check_sweep_folder(tmp_path, of_a_run="use load_run")
    told = f"got {tmp_path}, which has sweeps in it; name one of them, such as {sweep}"
    assert str(caught.value) == f"a sweep must be a multirun's folder, {told}"


def test_a_sweep_may_have_lost_its_command(tmp_path: Path) -> None:
    """Its jobs can be read without."""
    (_multirun(tmp_path, "0") / "multirun.yaml").unlink()
    check_sweep_folder(tmp_path, of_a_run="use load_run")


def test_jobs_belong_to_the_sweep_around_them(tmp_path: Path) -> None:
    one, two = _multirun(tmp_path / "a/one", "0", "1"), _multirun(tmp_path / "two", "lr=0.1/0")
    # A single run, which is of no sweep.
    (_multirun(tmp_path / "runs", "x") / "multirun.yaml").unlink()
    assert jobs_by_sweep(tmp_path, find_jobs(tmp_path)) == {
        one: [Job(one / "0"), Job(one / "1")],
        two: [Job(two / "lr=0.1/0")],
    }
    assert jobs_by_sweep(one, find_jobs(one)) == {one: [Job(one / "0"), Job(one / "1")]}
    assert jobs_by_sweep(one / "0", find_jobs(one / "0")) == {}
