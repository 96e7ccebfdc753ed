"""``perceptron report``: a run or a sweep as one HTML file."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from perceptron.commands.arguments import RUN, RUNS, Argument, Command
from perceptron.errors import UsageError
from perceptron.files.writing import write_text
from perceptron.runs.lookup import find_run
from perceptron.runs.output_file import output_path
from perceptron.sweeps.sweep_folders import check_sweep_folder
from perceptron.terminal.status import show
from perceptron.terminal.text import say

COMMAND = Command(
    name="report",
    summary="a run or a sweep as one HTML file",
    details="The page has results, figures, settings and provenance, and needs no other file and no network.",
    examples=("run=best runs=logs/train", "sweep=logs/train/multiruns/<sweep> output=sweep.html"),
    arguments=(
        replace(RUN, default=None, summary=f"{RUN.summary}; by default latest"),
        RUNS,
        Argument(name="sweep", takes="<folder>", summary="a multirun's folder, in place of a run"),
        Argument(
            name="output", takes="<file>", summary="the page; by default report.html in the run's or the sweep's folder"
        ),
    ),
)


def main(arguments: Sequence[str]) -> None:
    """Write the page.

    Raises:
        UsageError: for an invalid argument, or if there is no such run or sweep.
    """
    typed = COMMAND.read(arguments)
    run, sweep = typed.get("run"), typed.get("sweep")
    if run and sweep:
        raise UsageError("a report is of run or of sweep, got both; leave one of them out")
    show("writing the page")
    folder, html = _sweep(Path(sweep)) if sweep else _run(run or "latest", Path(typed["runs"]))
    output = output_path(typed.get("output") or str(folder / "report.html"))
    write_text(output, html)
    say(f"written to  {output}")


def _run(wanted: str, among: Path) -> tuple[Path, str]:
    from perceptron.reports.run_page import run_page

    run = find_run(wanted, among=among, with_checkpoint=False)
    return run.folder, run_page(run)


def _sweep(folder: Path) -> tuple[Path, str]:
    # Imported here, because it imports scipy.
    from perceptron.reports.sweep_page import sweep_page

    check_sweep_folder(folder, of_a_run=f"type run={folder}")
    return folder, sweep_page(folder)
