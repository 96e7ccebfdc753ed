"""A signal that arrives outside of training: in a reader, a figure, a population, a search."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
from tests.conftest import Perceptron

RUN = ("data=wine", "model=softmax", "trainer.max_epochs=2", "trainer.accelerator=cpu", "logger=none")
Interrupt = Callable[..., None]


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Interrupt:
    """Send this process a signal when a function is called for the n-th time."""

    def arm(function: str, number: int = signal.SIGTERM, *, call: int = 1) -> None:
        place, _, name = function.rpartition(".")
        owner = resolve_name(place)
        original, left = getattr(owner, name), call

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                signal.raise_signal(number)
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, wrapped)

    return arm


def test_a_figure_that_is_interrupted_is_drawn_when_the_run_goes_on(
    perceptron: Perceptron, interrupt: Interrupt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    interrupt("perceptron.figures.run_figures.draw_confusion")
    answer = perceptron("train", *RUN, f"hydra.run.dir={folder}")
    assert answer.status == 143
    assert answer.err.splitlines()[-1] == f"interrupted by SIGTERM; continue with perceptron resume run={folder}"
    assert not (folder / "metrics.json").exists()
    monkeypatch.undo()
    assert perceptron("resume", f"run={folder}").status == 0
    assert {path.name for path in (folder / "figures").iterdir()} >= {"confusion.png", "confusion.svg"}


def test_a_population_that_is_interrupted_while_it_is_prepared_trains_no_job(
    perceptron: Perceptron, interrupt: Interrupt, tmp_path: Path
) -> None:
    interrupt("perceptron.composition.population.share_fit.fit_population", signal.SIGINT)
    answer = perceptron("train", "-m", *RUN, "hydra/launcher=population", "seed=0,1", f"hydra.sweep.dir={tmp_path}/s")
    assert answer.status == 130
    # The log of the groups stands before it.
    assert answer.err.splitlines()[-1] == "interrupted by SIGINT; nothing was written"
    assert not (tmp_path / "s").exists()


def test_a_search_takes_up_the_trial_that_was_interrupted(
    perceptron: Perceptron, interrupt: Interrupt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import optuna

    search = ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=3", "hydra/sweeper/pruner=none")
    settings = ("train", "-m", *RUN, "figures=none", *search, "optimizer.lr=interval(0.01,0.1)")
    sweep = tmp_path / "sweep"
    # In the launcher, before the second trial's folder is made.
    interrupt("hydra._internal.core_plugins.basic_launcher.run_job", call=2)
    answer = perceptron(*settings, f"hydra.sweep.dir={sweep}")
    assert answer.status == 143
    monkeypatch.undo()

    def states() -> list[str]:
        trials = optuna.load_study(study_name="search", storage=f"sqlite:///{sweep / 'search.db'}").trials
        return [trial.state.name for trial in trials]

    assert states() == ["COMPLETE", "RUNNING"]
    assert perceptron("train", f"sweep.resume={sweep}").status == 0
    assert states() == ["COMPLETE"] * 3
    undisturbed = tmp_path / "undisturbed"
    assert perceptron(*settings, f"hydra.sweep.dir={undisturbed}").status == 0
    for number in range(3):
        one, other = (
            json.loads((folder / f"{number}/metrics.json").read_text(encoding="utf-8"))
            for folder in (sweep, undisturbed)
        )
        assert one == other


@pytest.mark.parametrize("place", ["perceptron.composition.building.data.build_data", "hydra.core.utils._save_config"])
@pytest.mark.parametrize("model", ["softmax", "sklearn_logistic"])
def test_a_signal_before_a_run_has_begun_leaves_nothing(
    perceptron: Perceptron, interrupt: Interrupt, tmp_path: Path, place: str, model: str
) -> None:
    if place.endswith("build_data"):
        place = f"perceptron.composition.{'learner' if model == 'softmax' else 'fit_estimator'}.build_data"
    # Where tests run without a terminal, it may be switched off.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    interrupt(place, signal.SIGHUP, call=2 if place.endswith("_save_config") else 1)
    answer = perceptron("train", "data=wine", f"model={model}", f"hydra.run.dir={tmp_path / 'run'}")
    assert (answer.status, answer.err) == (129, "interrupted by SIGHUP; nothing was written\n")
    assert not list(tmp_path.iterdir())


def test_a_signal_while_a_file_is_read_is_no_fault_of_the_file(
    perceptron: Perceptron, interrupt: Interrupt, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("x,y\n1,a\n2,b\n3,a\n4,b\n", encoding="utf-8")
    interrupt("perceptron.data.sources.frames.read_csv")
    folder = tmp_path / "run"
    settings = ("data=table", f"data.path={tmp_path / 'rows.csv'}", "data.target=y")
    answer = perceptron("train", *settings, f"hydra.run.dir={folder}")
    assert (answer.status, answer.err) == (143, "interrupted by SIGTERM; nothing was written\n")
    assert not folder.exists()


def test_a_fit_of_scikit_learn_that_is_interrupted_leaves_no_run(
    perceptron: Perceptron, interrupt: Interrupt, tmp_path: Path
) -> None:
    interrupt("perceptron.models.estimator.Estimator.fit")
    answer = perceptron("train", "data=wine", "model=sklearn_logistic", f"hydra.run.dir={tmp_path / 'run'}")
    assert answer.status == 143
    assert answer.err.splitlines()[-1] == "interrupted by SIGTERM; nothing was written"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("function", ["SweepProgress.__init__", "finish_sweep"])
def test_a_signal_around_a_sweep_says_what_is_left(
    perceptron: Perceptron, interrupt: Interrupt, tmp_path: Path, function: str
) -> None:
    interrupt(f"perceptron.composition.sweeps.sweep_callback.{function}")
    folder = tmp_path / "sweep"
    settings = ("data=wine", "model=sklearn_dummy", "seed=0,1")
    answer = perceptron("train", "-m", *settings, f"hydra.sweep.dir={folder}")
    assert answer.status == 143
    begun = function == "finish_sweep"
    advice = f"the sweep in {folder} is finished" if begun else "nothing was written"
    assert answer.err.splitlines()[-1] == f"interrupted by SIGTERM; {advice}"
    assert folder.exists() == begun
