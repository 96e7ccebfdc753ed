"""The figures of jobs that are trained side by side are those of the same jobs alone, and cost no results."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.population.comparing import assert_same_checkpoints, assert_same_files, both, events, jobs, sweep

from perceptron.callbacks import history
from perceptron.composition.population import member_figures
from perceptron.composition.population.multirun_jobs import ComposedJob
from perceptron.figures import run_figures
from perceptron.sweeps.job_folders import Job, State
from perceptron.training import run_figures as drawing
from perceptron.training.processes import can_fork

DIABETES = ["data=diabetes", "model=linear", "trainer.max_epochs=3", "trainer.num_threads=1"]
IRIS = ["data=iris", "model=softmax", "trainer.max_epochs=2", "logger=none", "figures=end", "hydra/launcher=population"]


def _tags(folder: Path) -> list[str]:
    return sorted(tag for _, tag, _ in events(folder))


def test_the_files_are_those_of_the_job_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = [*DIABETES, "figures=none,end"]
    _, alone = jobs(sweep(monkeypatch, tmp_path / "alone", *settings))
    without, together = jobs(sweep(monkeypatch, tmp_path / "together", *settings, "hydra/launcher=population"))
    assert not (without / "figures").exists()
    assert_same_files(alone, together)
    names = sorted(path.name for path in (alone / "figures").iterdir())
    assert {"curves.png", "loss_surface.svg", "residuals.png", "coefficients.svg"} <= set(names)
    for path in (alone / "figures").glob("*.png"):
        one, other = (
            np.asarray(Image.open(run / "figures" / path.name).convert("RGB"), dtype=float) for run in (alone, together)
        )
        # Last digits move an edge by less than a pixel.
        assert np.abs(one - other).mean() < 0.1, path.name
    assert _tags(alone) == _tags(together)
    assert "figures/curves" in _tags(together)


@pytest.mark.parametrize("typed", [(), ("trainer.check_val_every_n_epoch=2",), ("trainer.max_steps=20",)])
def test_checkpoints_hold_the_path_of_the_training(
    typed: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(drawing, "draw_trained", lambda *_, **__: None)
    monkeypatch.setattr(history, "MOST_SNAPSHOTS", 4)
    settings = ["data=wine", "model=digits_mlp", "figures=end", "trainer.max_epochs=7", "logger=none", *typed]
    alone, together = both(tmp_path, settings, [{"seed": 1, "data.seed": 1}, {"optimizer.lr": 0.3}])
    for one, other in zip(jobs(alone), jobs(together), strict=True):
        for name in ("best", "last"):
            stored = [
                torch.load(run / f"checkpoints/{name}.ckpt", weights_only=True)["history"] for run in (one, other)
            ]
            assert len(stored[0]["epochs"]) >= 3
            assert_same_checkpoints(*stored, 1e-4)


@pytest.mark.parametrize(
    ("typed", "figures", "draws"),
    [
        (["seed=1"], "end", False),
        (["seed=1", "figures=end"], "end", True),
        (["++figures=end"], "end", True),
        (["figures=none"], "none", False),
    ],
)
def test_figures_are_drawn_where_they_are_asked_for(typed: list[str], figures: str, draws: bool) -> None:
    job = ComposedJob(0, {"figures": figures}, {"hydra": {"overrides": {"task": typed}}})
    assert job.draws_figures is draws


def test_a_figure_that_cannot_be_drawn_costs_no_job(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str]
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ValueError("no colour")

    for name in ("draw_confusion", "surfaces_of"):
        monkeypatch.setattr(run_figures, name, fails)
    (job,) = jobs(sweep(monkeypatch, tmp_path, *IRIS, "seed=3"))
    assert Job(job).state == State.DONE
    for name in ("confusion", "loss_surface"):
        assert f"job #0: the figure {name} could not be drawn: ValueError: no colour" in said
        assert not (job / f"figures/{name}.png").exists()
    assert (job / "figures/curves.png").is_file()


def test_predictions_that_fail_cost_no_job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str]) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("no answers")

    monkeypatch.setattr(member_figures, "draw_trained", fails)
    folder = sweep(monkeypatch, tmp_path, *IRIS, "seed=1,2")
    assert [Job(job).state for job in jobs(folder)] == [State.DONE, State.DONE]
    assert "job #1: its figures could not be drawn: no answers" in said


@pytest.mark.parametrize(
    "n_processes", [1, pytest.param(2, marks=pytest.mark.skipif(not can_fork(), reason="no fork"))]
)
def test_an_interruption_costs_figures_alone(
    n_processes: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    said: list[str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    parent, drawn = os.getpid(), tmp_path / "drawn"

    def interrupted(*_: object, **__: object) -> None:
        if drawn.exists():
            os.kill(parent, signal.SIGINT)
            signal.pause()
        drawn.touch()

    monkeypatch.setattr(member_figures, "draw_trained", interrupted)
    settings = [*IRIS, "seed=range(8)", f"trainer.num_threads={n_processes}"]
    folder = sweep(monkeypatch, tmp_path / "logs", *settings, status=128 + signal.SIGINT)
    # Of two processes, one may be training when the other is interrupted.
    states = [Job(job).state for job in jobs(folder)]
    assert states.count(State.DONE) >= 8 // n_processes
    if n_processes == 1:
        told = (
            "7 jobs of those that were being drawn have finished without figures; perceptron figures "
            f"sweep={folder} draws all that are missing"
        )
        assert told in said
    # There is nothing to go on with where all have trained.
    assert (f"sweep.resume={folder}" in capfd.readouterr().err) == (states.count(State.DONE) < 8)
