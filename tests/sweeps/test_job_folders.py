import io
import os
import re
import time
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from perceptron.errors import UsageError
from perceptron.sweeps import progress as progress_display
from perceptron.sweeps.best_setting import as_experiment
from perceptron.sweeps.job_folders import Job, State, find_jobs
from perceptron.sweeps.progress import Count, SweepProgress


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    for number in range(12):
        (tmp_path / str(number) / ".hydra").mkdir(parents=True)
        path = tmp_path / str(number) / ".hydra" / "overrides.yaml"
        path.write_text(f"- seed={number}\n", encoding="utf-8")
        an_hour_ago = path.stat().st_mtime - 3600
        os.utime(path, (an_hour_ago, an_hour_ago))
    return tmp_path


def test_jobs_are_in_the_order_of_their_numbers(sweep: Path) -> None:
    assert [job.folder.name for job in find_jobs(sweep)] == [str(number) for number in range(12)]
    assert find_jobs(sweep)[10].overrides == ["seed=10"]


@pytest.mark.parametrize("damaged", [b"- [1", b"\xff\xfe", b"seed: 1", b"3"])
def test_overrides_that_cannot_be_read_are_named(sweep: Path, damaged: bytes) -> None:
    (sweep / "4" / ".hydra" / "overrides.yaml").write_bytes(damaged)
    with pytest.raises(UsageError, match=r"overrides.yaml must .*/4/.hydra/overrides.yaml"):
        _ = find_jobs(sweep)[4].overrides


@pytest.mark.parametrize("damaged", [b"- [1", b"\xff\xfe", b"hydra: {}", b"hydra: {runtime: {choices: 3}}", b""])
def test_choices_that_cannot_be_read_are_named(sweep: Path, damaged: bytes) -> None:
    (sweep / "4" / ".hydra" / "hydra.yaml").write_bytes(damaged)
    with pytest.raises(UsageError, match=r"hydra.yaml must .*/4/.hydra/hydra.yaml"):
        _ = find_jobs(sweep)[4].choices


def test_files_tell_the_state(sweep: Path) -> None:
    jobs = find_jobs(sweep)
    (sweep / "0" / "metrics.json").write_text("{}", encoding="utf-8")
    jobs[1].prune("falls behind")
    try:
        raise ValueError("wrong\nin two lines")
    except ValueError as error:
        jobs[2].fail(error)
    jobs[3].fail(UsageError("lr must be above 0"))
    assert [job.state for job in jobs[:5]] == [
        State.DONE,
        State.PRUNED,
        State.FAILED,
        State.FAILED,
        State.RUNNING,
    ]
    assert [job.reason for job in jobs[1:4]] == ["falls behind", "ValueError: wrong", "lr must be above 0"]
    assert "Traceback" in (sweep / "2" / "error.txt").read_text(encoding="utf-8")
    assert (sweep / "3" / "error.txt").read_text(encoding="utf-8") == "lr must be above 0\n"
    jobs[2].begin()
    assert jobs[2].state == State.RUNNING


def test_an_error_without_words_has_its_name(sweep: Path) -> None:
    job = Job(sweep / "0")
    job.fail(MemoryError())
    assert job.reason == "MemoryError"


def test_progress_counts_what_is_new(sweep: Path) -> None:
    (sweep / "0" / "metrics.json").write_text("{}", encoding="utf-8")
    Job(sweep / "1").fail(UsageError("before"))
    progress = SweepProgress(sweep, total=12)
    count = progress.count()
    assert (count.done, count.failed, count.running) == (1, 0, 0)
    # As if it had been started before what lies there.
    progress.started -= 7200
    count = progress.count()
    assert (count.done, count.failed, count.running) == (1, 1, 10)
    (sweep / "2" / "metrics.json").write_text("{}", encoding="utf-8")
    assert progress.line(progress.count()).startswith("2 of 12 done, 9 running, 1 failed, about ")


def test_the_time_left_falls_while_jobs_run(sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = time.time()
    monkeypatch.setattr(progress_display.time, "time", lambda: clock)
    progress, count = SweepProgress(sweep, total=4), partial(Count, failed=0, total=4)
    assert progress.line(count(done=0, running=1)) == "0 of 4 done, 1 running"
    clock += 40
    assert progress.line(count(done=1, running=1)).endswith(", about 2 min left")
    clock += 35
    assert progress.line(count(done=1, running=1)).endswith(", about 85 s left")
    # A job that takes longer than the first says nothing of those that wait.
    clock += 1000
    assert progress.line(count(done=1, running=1)).endswith(", about 80 s left")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_narrow_terminal_shows_all_counts(sweep: Path, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, color_system=None, width=width)
    monkeypatch.setattr(progress_display, "Console", lambda **_: console)
    shown = SweepProgress(sweep, total=12)
    # As if it had been started before what lies there.
    shown.started -= 7200
    for number in range(3):
        (sweep / str(number) / "metrics.json").write_text("{}", encoding="utf-8")
    shown.start()
    shown.stop()
    assert re.search(r"sweep ━+\S* +3 of 12 done, 9 running, about 6.0 h left", screen.getvalue()), screen.getvalue()


def test_best_is_an_experiment() -> None:
    text = as_experiment(
        {"model": "binary_mlp", "model.network.hidden": [50, 50], "seed": 3, "optimizer.lr": 0.1, "paths.log_dir": "x"},
        groups=["model", "data"],
        comment="The best.",
    )
    assert text == (
        "# @package _global_\n# The best.\ndefaults:\n- override /model: binary_mlp\n- _self_\n"
        "model:\n  network:\n    hidden:\n    - 50\n    - 50\noptimizer:\n  lr: 0.1\n"
    )
