"""``perceptron figures``: the figures of a finished run, or of a sweep's jobs."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from perceptron.commands.arguments import RUN, RUNS, TRUST, Argument, Command
from perceptron.errors import UsageError
from perceptron.garbage_collection import heavy_imports
from perceptron.runs.folder import Run
from perceptron.runs.lookup import find_run
from perceptron.sweeps.job_folders import find_jobs
from perceptron.sweeps.sweep_folders import check_sweep_folder
from perceptron.terminal.status import show
from perceptron.terminal.text import say

COMMAND = Command(
    name="figures",
    summary="the figures of a finished run, or of a sweep's jobs",
    details="They are those that training draws with figures=end. Without figures=end a run keeps no weights of its "
    "epochs, so that the loss surface lacks the path of the training.",
    examples=("run=latest", "sweep=logs/train/multiruns/<sweep>", "run=latest data.path=moved/churn.csv"),
    arguments=(
        replace(RUN, default=None, summary=f"{RUN.summary}; by default latest"),
        RUNS,
        Argument(name="sweep", takes="<folder>", summary="a multirun's folder, in place of a run"),
        TRUST,
    ),
    takes_settings=True,
)


def main(arguments: Sequence[str]) -> None:
    """Draw.

    Raises:
        UsageError: for an invalid argument, or if there is no such run or sweep, or it has no figures.
    """
    typed = COMMAND.read(arguments)
    run, sweep = typed.get("run"), typed.get("sweep")
    if run and sweep:
        raise UsageError("figures are of run or of sweep, got both; leave one of them out")
    trust = typed.trusted()
    if sweep:
        _draw_sweep(Path(sweep), typed.settings, trust)
        return
    found = find_run(run or "latest", among=Path(typed["runs"]))
    show("loading torch and lightning")
    # Imported here, because it imports torch.
    with heavy_imports():
        from perceptron.composition.stored.drawing import draw_run

    show("drawing the figures")
    say(f"figures     {draw_run(found, overrides=typed.settings, trust=trust)}")


def _draw_sweep(folder: Path, settings: Sequence[str], trust: Collection[str]) -> None:
    check_sweep_folder(folder, of_a_run=f"type run={folder}")
    finished = [run for job in find_jobs(folder) if (run := Run(job.folder)).is_finished]
    networks = [run for run in finished if not run.is_estimator]
    if not networks:
        raise UsageError(
            f"figures are drawn of finished trainings of networks, got none among the jobs of {folder}; name another "
            "sweep"
        )
    show("loading torch and lightning")
    with heavy_imports():
        from perceptron.composition.stored.drawing import draw_run

    for number, run in enumerate(networks, start=1):
        show(f"drawing the figures of {number} of {len(networks)} jobs")
        say(f"figures     {draw_run(run, within=folder, overrides=settings, trust=trust)}")
    if left := len(finished) - len(networks):
        say(f"left out    {left} of {len(finished)} finished jobs: estimators of scikit-learn have no figures")
