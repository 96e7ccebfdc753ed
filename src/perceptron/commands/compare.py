"""``perceptron compare``: the table of any runs and sweeps, with paired tests against the best."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from perceptron.errors import UsageError
from perceptron.spelling import did_you_mean
from perceptron.tasks import Direction
from perceptron.terminal.text import say

HELP = """\
perceptron compare <folder> ... [by=<metric>] [mode=<min|max>] [out=<folder>]

Aggregates finished runs over seeds and splits, ranks their settings, and tests each against the best.

  <folder>  runs, sweeps, or folders of them
  by        metric to rank by; main, the default: test/acc or test/rmse; monitor: what the runs monitored
  mode      direction in which that metric improves, where the runs do not say
  out       where compare.csv, compare.md, compare.png and compare.svg go; logs/compare
"""


def main(arguments: Sequence[str]) -> None:
    """Write and print the table.

    Raises:
        UsageError: where an argument is wrong, or no run is finished.
    """
    if {"--help", "-h"} & set(arguments):
        print(HELP)
        return
    folders = [Path(argument) for argument in arguments if "=" not in argument]
    settings = {"by": "main", "mode": "", "out": "logs/compare"}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if equals and key not in settings:
            raise UsageError(f"there is no setting {key}; {did_you_mean(key, settings)}")
        if equals:
            settings[key] = value
    mode = next((direction for direction in get_args(Direction) if direction == settings["mode"]), None)
    if settings["mode"] and mode is None:
        raise UsageError(f"mode must be one of min, max, got {settings['mode']}; set mode, or leave it out")
    compare(folders, by=settings["by"], mode=mode, out=Path(settings["out"]))


def compare(folders: Sequence[Path], *, by: str, mode: Direction | None, out: Path) -> None:
    """Write and print the table of all finished runs in folders.

    Raises:
        UsageError: where there is none, none has the metric, or nothing says in which direction it improves.
    """
    # Here, because they import scipy and matplotlib.
    from rich.console import Console

    from perceptron.figures.intervals import draw_intervals
    from perceptron.plots.image import save
    from perceptron.runs.folder import find_runs
    from perceptron.sweeps.finished_runs import read_finished_run
    from perceptron.sweeps.job_folders import State, find_jobs
    from perceptron.sweeps.ranking import rank
    from perceptron.sweeps.summary import print_failures, print_rankings, write_summary

    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"a folder of runs must exist, got {folder}; name one below logs/")
    runs = {run.folder.resolve(): run for folder in folders for run in find_runs(folder) if run.is_finished}
    if not runs:
        raise UsageError("perceptron compare needs finished runs, got none; name folders below logs/ that have some")
    results = [read_finished_run(run) for run in runs.values()]
    metrics = {name for result in results for name in result.metrics}
    if by not in metrics and by not in ("main", "monitor"):
        raise UsageError(f"by must be a metric of the runs, main or monitor, got {by}; {did_you_mean(by, metrics)}")

    console = Console()
    found = rank(results, by=by, mode=mode)
    failed = [job for folder in folders for job in find_jobs(folder) if job.state == State.FAILED]
    out.mkdir(parents=True, exist_ok=True)
    write_summary(out, found, failed, name="compare")
    save(draw_intervals(found), out, "compare")
    print_rankings(console, found)
    print_failures(console, failed)
    say(f"written to  {out}")
