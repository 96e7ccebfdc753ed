"""``perceptron report``: a run or a sweep as one HTML file."""

from collections.abc import Sequence
from pathlib import Path

from perceptron.errors import UsageError
from perceptron.spelling import did_you_mean
from perceptron.terminal.text import say

HELP = """\
perceptron report [run=<folder>|latest|best] [runs=<folder>] [out=<file>]
perceptron report sweep=<folder> [out=<file>]

Writes a page with results, figures, settings and provenance, which needs no other file and no network.

  run    a run's folder; latest, the default: the run that was started last; or best, by the metric that all monitored
  runs   the folder that latest and best choose from; logs
  sweep  a multirun's folder
  out    the file; report.html in the run's or the sweep's folder
"""


def main(arguments: Sequence[str]) -> None:
    """Write the page.

    Raises:
        UsageError: where an argument is wrong, or there is no such run or sweep.
    """
    if {"--help", "-h"} & set(arguments):
        print(HELP)
        return
    settings = {"run": "", "runs": "logs", "sweep": "", "out": ""}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or key not in settings:
            raise UsageError(f"there is no setting {argument}; {did_you_mean(key, settings)}")
        settings[key] = value
    if settings["run"] and settings["sweep"]:
        raise UsageError("a report is of run or of sweep, got both; leave one of them out")
    if settings["sweep"]:
        folder, html = _sweep(Path(settings["sweep"]))
    else:
        folder, html = _run(settings["run"] or "latest", Path(settings["runs"]))
    out = Path(settings["out"]) if settings["out"] else folder / "report.html"
    if not out.parent.is_dir():
        raise UsageError(f"out must be a file in a folder that exists, got {out}; make the folder")
    from perceptron.runs.files import write_text
    from perceptron.runs.replacing import check_replaces_nothing

    check_replaces_nothing(out, setting="out")
    write_text(out, html)
    say(f"written to  {out}")


def _run(wanted: str, among: Path) -> tuple[Path, str]:
    from perceptron.reports.run_page import run_page
    from perceptron.runs.find import find_run

    run = find_run(wanted, among=among, with_checkpoint=False)
    return run.folder, run_page(run)


def _sweep(folder: Path) -> tuple[Path, str]:
    # Here, because it imports scipy.
    from perceptron.reports.sweep_page import sweep_page

    if not folder.is_dir():
        raise UsageError(f"sweep must be a multirun's folder, got {folder}, which is not there; name another")
    if (folder / "config.yaml").is_file():
        raise UsageError(f"sweep must be a multirun's folder, got {folder}, which is a run's; type run={folder}")
    return folder, sweep_page(folder)
