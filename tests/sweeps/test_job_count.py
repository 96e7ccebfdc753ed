from pathlib import Path

from perceptron.sweeps.job_count import varied_settings, write_job_count
from perceptron.sweeps.job_folders import find_jobs


def _start(folder: Path, overrides: str) -> None:
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra/overrides.yaml").write_text(overrides, encoding="utf-8")


def test_jobs_that_have_not_started_tell_what_is_varied(tmp_path: Path) -> None:
    for seed in range(2):
        _start(tmp_path / f"{seed}", f"- data.batch_size=16\n- seed={seed}\n- model=logistic\n")
    listed = [[f"data.batch_size={size}", f"seed={seed}", "model=logistic"] for size in (16, 32) for seed in range(2)]
    write_job_count(tmp_path, 4, listed)
    assert varied_settings(find_jobs(tmp_path), [tmp_path]) == ["data.batch_size", "seed"]


def test_the_jobs_of_a_search_are_those_that_have_started(tmp_path: Path) -> None:
    for number, rate in enumerate((0.1, 0.2)):
        _start(tmp_path / f"{number}", f"- optimizer.lr={rate}\n- seed=0\n")
    write_job_count(tmp_path, 9)
    # One whose command line cannot be read is left out.
    _start(tmp_path / "2", "- [1")
    assert varied_settings(find_jobs(tmp_path), [tmp_path]) == ["optimizer.lr"]
    assert varied_settings(find_jobs(tmp_path), []) == ["optimizer.lr"]
