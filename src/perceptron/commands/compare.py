"""``perceptron compare``: the ranking of any runs and sweeps, with paired tests against the best."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from perceptron.commands.arguments import Argument, Command
from perceptron.errors import UsageError
from perceptron.tasks import Direction
from perceptron.terminal.status import clear, show
from perceptron.terminal.text import say

COMMAND = Command(
    name="compare",
    summary="rank the settings of runs and sweeps, with intervals and paired tests",
    details="It aggregates finished runs over seeds and splits, and tests each setting against the best. The "
    "folders are runs, sweeps, or folders of them. It writes compare.csv, compare.md, compare.png and compare.svg.",
    examples=("logs/train/multiruns/<sweep>", "logs/train by=test/auroc output=logs/auroc"),
    arguments=(
        Argument(
            name="by",
            takes="<metric>|main|monitor",
            summary="what to rank by: a metric; main, which is test/acc or test/rmse; or monitor, which is what "
            "the runs monitored",
            default="main",
        ),
        Argument(
            name="mode", options=get_args(Direction), summary="how that metric improves, if the runs do not say it"
        ),
        Argument(name="output", takes="<folder>", summary="where the files go", default="logs/compare"),
    ),
    takes_folders=True,
)


def main(arguments: Sequence[str]) -> None:
    """Write and print the ranking.

    Raises:
        UsageError: for an invalid argument, or if no run is finished.
    """
    typed = COMMAND.read(arguments)
    mode: Any = typed.get("mode")
    compare(typed.folders, by=typed["by"], mode=mode, output=Path(typed["output"]))


def compare(folders: Sequence[Path], *, by: str, mode: Direction | None, output: Path) -> None:
    """Write and print the ranking of all finished runs in folders.

    Raises:
        UsageError: if there is no such run, none has the metric, or the direction of the metric is not known.
    """
    show("loading scipy and matplotlib")
    # Imported here, because they import scipy and matplotlib.
    from rich.console import Console

    from perceptron.figures.intervals import draw_intervals
    from perceptron.plots.image import save
    from perceptron.runs.folder import find_runs
    from perceptron.sweeps.finished_runs import read_finished_run
    from perceptron.sweeps.job_count import advice, incomplete, varied_settings
    from perceptron.sweeps.job_folders import State, find_jobs
    from perceptron.sweeps.ranking import rank
    from perceptron.sweeps.summary_files import write_summary
    from perceptron.sweeps.sweep_folders import jobs_by_sweep
    from perceptron.sweeps.terminal_tables import print_failures, print_rankings

    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"a folder of runs must exist, got {folder}; name one below logs/")
    runs = {run.folder.resolve(): run for folder in folders for run in find_runs(folder) if run.is_finished}
    if not runs:
        raise UsageError("perceptron compare needs finished runs, got none; name folders below logs/ that have some")
    show(f"reading {len(runs)} runs")
    results = [read_finished_run(run) for run in runs.values()]
    jobs = [find_jobs(folder) for folder in folders]
    sweeps = [jobs_by_sweep(folder, of_folder) for folder, of_folder in zip(folders, jobs, strict=True)]
    varied = [name for found in map(varied_settings, jobs, sweeps) for name in found]
    found = rank(results, by=by, mode=mode, varied=list(dict.fromkeys(varied)))

    console = Console()
    # A sweep that was named twice counts once.
    started = {sweep: of_sweep for of_folder in sweeps for sweep, of_sweep in of_folder.items()}
    missing = [(told, advice(sweep)) for sweep in started if (told := incomplete(sweep, started[sweep])) is not None]
    failed = [job for of_folder in jobs for job in of_folder if job.state == State.FAILED]
    show("writing tables and figure")
    output.mkdir(parents=True, exist_ok=True)
    write_summary(output, found, failed, name="compare", missing=missing)
    save(draw_intervals(found), output, "compare")
    clear()
    print_rankings(console, found)
    print_failures(console, failed)
    for told, command in missing:
        console.print(told, style="yellow", highlight=False)
        say(f"to run what is missing: {command}")
    say(f"written to  {output}")
