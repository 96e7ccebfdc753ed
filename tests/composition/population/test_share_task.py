"""A task of a population, called in this process: what it writes, brings back and leaves of an earlier try."""

import logging
import pickle
import shutil
import sys
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra.core.hydra_config import HydraConfig
from tests.composition.population.multiruns import multirun
from tests.population.comparing import assert_same_files, events

from perceptron.composition.population import member_figures, share_task
from perceptron.composition.population.groups import JobPreparation
from perceptron.composition.population.job_loader import JobLoader
from perceptron.composition.population.members import MemberBuilder
from perceptron.composition.population.multirun_jobs import ComposedJob, MultirunJobs
from perceptron.composition.population.ray_reports import Progress
from perceptron.composition.population.share_task import SentShare, TaskResult, receive_files, train_share
from perceptron.errors import NoRoomError
from perceptron.sweeps.job_folders import Job, State

WINE = ["data=wine", "model=digits_mlp", "model.network.hidden=[5]", "trainer.max_epochs=2", "figures=none"]


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HydraConfig.instance(), "cfg", None)
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.chdir(Path.cwd())


@pytest.fixture
def composed(tmp_path: Path) -> Iterator[tuple[list[ComposedJob], MemberBuilder]]:
    """Jobs of a multirun in ``tmp_path / "sweep"``, and the builder that has read their table, as a task gets both."""
    typed = [*WINE, "seed=1,2,3", f"hydra.sweep.dir={tmp_path / 'sweep'}"]
    with multirun(typed) as (hydras, master, overrides):
        preparation = JobPreparation(MultirunJobs(JobLoader(hydras), master, overrides), trains_here=False)
        jobs = [preparation.compose(number) for number in range(3)]
        assert preparation.prepare(0) is not None
        # The object store lends its arrays, which nobody may write to.
        buffers: list[pickle.PickleBuffer] = []
        sent = pickle.dumps(preparation.builder, protocol=5, buffer_callback=buffers.append)
        builder = pickle.loads(sent, buffers=[bytes(buffer) for buffer in buffers])  # noqa: S301
        (table,) = builder._tables.values()
        assert not table.features.flags.writeable
        yield pickle.loads(pickle.dumps(jobs)), builder  # noqa: S301
        assert np.isfinite(table.features).all()


def _train(jobs: list[ComposedJob], builder: MemberBuilder, marker: Path) -> TaskResult:
    result = train_share(SentShare(0, jobs, marker, ["train.py", "-m", "typed"], marker.parent, "train"), builder)
    copy: TaskResult = pickle.loads(pickle.dumps(result))  # noqa: S301
    return copy


def test_a_task_writes_to_a_disk_that_it_shares(composed, tmp_path: Path) -> None:
    jobs, builder = composed
    marker = tmp_path / "marker"
    marker.touch()
    result = _train(jobs, builder, marker)
    assert result.files == {}
    assert sorted(result.results) == [0, 1, 2]
    for job in jobs:
        assert Job(job.folder).state == State.DONE
        assert result.results[job.number].return_value > 0
        assert result.results[job.number].working_dir == str(tmp_path)
        assert (job.folder / ".hydra/overrides.yaml").is_file()
        assert "typed" in (job.folder / "provenance.json").read_text(encoding="utf-8")


def test_what_a_lost_try_has_half_written_is_written_anew(composed, tmp_path: Path) -> None:
    jobs, builder = composed
    marker = tmp_path / "marker"
    marker.touch()
    _train(jobs, builder, marker)
    folder = jobs[1].folder
    shutil.copytree(folder, tmp_path / "whole")
    (folder / "metrics.json").unlink()
    (folder / "checkpoints/best.ckpt").write_bytes(b"half")
    (folder / ".history.json.x.tmp").touch()
    # The driver, which has composed them, found none finished.
    _train(jobs, builder, marker)
    assert_same_files(tmp_path / "whole", folder)
    assert events(folder) == events(tmp_path / "whole")
    assert (folder / "metrics.json").read_bytes() == (tmp_path / "whole/metrics.json").read_bytes()


def test_a_task_on_another_disk_brings_its_folders_back(composed, tmp_path: Path) -> None:
    jobs, builder = composed
    marker = tmp_path / "marker"
    marker.touch()
    _train(jobs, builder, marker)
    (tmp_path / "sweep").rename(tmp_path / "written")
    (jobs[0].folder / "checkpoints").mkdir(parents=True)
    (jobs[0].folder / "checkpoints/half.ckpt").touch()

    result = _train(jobs, builder, tmp_path / "no marker")
    assert not any(job.folder.exists() for job in jobs)
    for job in jobs:
        assert list(result.files[job.number])[-1] == "metrics.json"
        receive_files(job.folder, result.files[job.number])
        assert_same_files(tmp_path / "written" / str(job.number), job.folder)
        assert events(job.folder) == events(tmp_path / "written" / str(job.number))


def test_a_task_draws_figures_and_brings_them_back(composed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs, builder = composed
    for job in jobs[1:]:
        job.config["figures"] = "end"
        job.composed["hydra"]["overrides"]["task"].append("figures=end")

    def drawn(config: Mapping[str, Any], *_: object, snapshots: Mapping[int, object], **__: object) -> None:
        assert list(snapshots) == [0, 1, 2]
        folder = Path(config["paths"]["output_dir"])
        assert Job(folder).state == State.DONE
        (folder / "curves.png").touch()

    monkeypatch.setattr(member_figures, "draw_trained", drawn)
    monkeypatch.setattr(share_task, "_SECONDS_BETWEEN_REPORTS", 0)
    reports: list[Progress] = []
    share = SentShare(7, jobs, tmp_path / "no marker", ["train.py"], tmp_path, "train")
    result = train_share(share, builder, lambda number, progress: reports.append(progress) or number)
    assert ["curves.png" in result.files[number] for number in range(3)] == [False, True, True]
    assert reports == [Progress(0, 3), Progress(1, 3), Progress(2, 0, 0, 2), Progress(2, 0, 1, 2)]
    assert "figures of 2 jobs drawn" in result.records[-1].getMessage()


@pytest.mark.parametrize("name", ["../other", "/etc/passwd", "a/../../other"])
def test_files_stay_in_their_job(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a task must write to its jobs' folders, got"):
        receive_files(tmp_path / "job", {"config.yaml": b"", name: b"x"})
    assert not (tmp_path / "other").exists()


def test_a_member_that_fails_fails_alone_and_is_logged(composed, tmp_path: Path) -> None:
    jobs, builder = composed
    configs = [deepcopy(job.config) for job in jobs]
    configs[1]["optimizer"]["lr"] = 1e30
    configs[2]["model"]["network"]["no_such_argument"] = 1
    jobs = [replace(job, config=config) for job, config in zip(jobs, configs, strict=True)]
    result = _train(jobs, builder, tmp_path / "no marker")
    assert result.n_failed == 1
    assert result.results[2] is None
    assert "error.txt" in result.files[1]
    assert "error.txt" not in result.files[0]
    (record,) = result.records
    assert record.getMessage().startswith("job #2 runs alone")
    assert record.levelno == logging.INFO


def test_a_full_disk_is_returned(composed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = NoRoomError("/somewhere", "No space left on device")

    def full(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(share_task, "write_job", full)
    assert str(_train(*composed, tmp_path / "no marker").no_room) == str(error)


def test_a_cancelled_task_does_not_end_its_process(composed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(*_: object, **__: object) -> None:
        raise SystemExit(1)

    monkeypatch.setattr(share_task, "train_and_write", ends)
    with pytest.raises(KeyboardInterrupt):
        _train(*composed, tmp_path / "no marker")


def test_members_that_do_not_fit_at_once_are_trained_in_turn(
    composed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, builder = composed
    sizes: list[int] = []
    train = share_task.train_and_write
    monkeypatch.setattr(share_task, "members_that_fit", lambda *_: 2)
    monkeypatch.setattr(
        share_task, "train_and_write", lambda part, *rest, **more: sizes.append(len(part)) or train(part, *rest, **more)
    )
    result = _train(jobs, builder, tmp_path / "no marker")
    assert sizes == [2, 1]
    assert all(result.results[number].return_value > 0 for number in range(3))
