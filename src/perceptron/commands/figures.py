"""``perceptron figures``: the figures of a finished run, or of a sweep's jobs."""

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from perceptron.commands.arguments import RUN, RUNS, TRUST, Argument, Arguments, Command
from perceptron.errors import StoppedError, UsageError
from perceptron.garbage_collection import heavy_imports
from perceptron.runs.folder import Run
from perceptron.runs.lookup import find_run
from perceptron.sweeps.job_count import count_not_started
from perceptron.sweeps.job_folders import find_jobs
from perceptron.sweeps.sweep_folders import check_sweep_folder
from perceptron.terminal.status import show
from perceptron.terminal.text import say

_FAILED_STATUS = 1
# Settings of a run that say where its data is.
_PLACES = {
    "data.path": "the table",
    "data.test_path": "the table of test rows",
    "data.features": "the array of features",
    "data.target": "the array of targets",
}
COMMAND = Command(
    name="figures",
    summary="the figures of a finished run, or of a sweep's jobs",
    details="They are those that training draws with figures=end. A run with figures=none kept no weights of its "
    "epochs, so that its loss surface lacks the path. Of a sweep, jobs that have figures are left out.",
    examples=("run=latest", "sweep=logs/train/multiruns/<sweep>", "run=latest data.path=moved/churn.csv"),
    arguments=(
        replace(RUN, default=None, summary=f"{RUN.summary}; by default latest"),
        RUNS,
        Argument(name="sweep", takes="<folder>", summary="a multirun's folder, in place of a run"),
        TRUST,
        *(Argument(name=name, takes="<file>", summary=f"where {what} is now") for name, what in _PLACES.items()),
    ),
)


def main(arguments: Sequence[str]) -> None:
    """Draw.

    Raises:
        UsageError: for an invalid argument, or if there is no such run or sweep, or it has no figures.
    """
    typed = COMMAND.read(arguments)
    if typed.get("run") and typed.get("sweep"):
        raise UsageError("run and sweep exclude each other, got both; leave one of them out")
    trust = typed.trusted()
    settings = _overrides({name: value for name in _PLACES if (value := typed.get(name)) is not None})
    try:
        _draw(typed, settings, trust)
    except StoppedError as error:
        error.advice = error.advice or "type the command again to draw what is missing"
        raise


def _overrides(places: Mapping[str, str]) -> list[str]:
    # Imported here, because it imports hydra.
    from perceptron.composition.settings.quoting import as_override

    return [as_override(name, place) for name, place in places.items()]


def _draw(typed: Arguments, settings: Sequence[str], trust: Collection[str]) -> None:
    run, sweep = typed.get("run"), typed.get("sweep")
    if sweep:
        _draw_sweep(Path(sweep), settings, trust)
        return
    found = find_run(run or "latest", among=Path(typed["runs"]))
    show("loading torch and lightning")
    # Imported here, because it imports torch.
    with heavy_imports():
        from perceptron.composition.stored.drawing import draw_run

    show("drawing the figures")
    say(f"figures     {draw_run(found, overrides=settings, trust=trust)}")


def _draw_sweep(folder: Path, settings: Sequence[str], trust: Collection[str]) -> None:
    """Draw the figures of each job that can have some and has none; exit with status 1 if any could not be drawn."""
    check_sweep_folder(folder, of_a_run=f"type run={folder}")
    jobs = find_jobs(folder)
    finished = [run for job in jobs if (run := Run(job.folder)).is_finished]
    networks = [run for run in finished if not run.is_estimator]
    if not networks:
        raise UsageError(
            f"figures need finished trainings of networks, got none among the jobs of {folder}; name another sweep"
        )
    waiting = [run for run in networks if not any((run.folder / "figures").glob("*.png"))]
    show("loading torch and lightning")
    with heavy_imports():
        from perceptron.composition.stored.drawing import draw_run

    n_failed = 0
    for number, run in enumerate(waiting, start=1):
        show(f"drawing the figures of {number} of {len(waiting)} jobs")
        try:
            say(f"figures     {draw_run(run, within=folder, overrides=settings, trust=trust)}")
        except UsageError as error:
            n_failed += 1
            say(f"job {run.folder.relative_to(folder)}: {error}", file=sys.stderr)
    n_jobs = len(jobs) + count_not_started(folder, jobs)
    for n_left_out, why in (
        (len(networks) - len(waiting), "have figures"),
        (len(finished) - len(networks), "are estimators of scikit-learn, which have no figures"),
        (n_jobs - len(finished), "are not finished"),
    ):
        if n_left_out:
            say(f"left out    {n_left_out} of {n_jobs} jobs, which {why}")
    if n_failed:
        sys.exit(_FAILED_STATUS)
