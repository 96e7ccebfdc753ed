"""``perceptron check``: what a careful person would object to in a run."""

import sys
from collections.abc import Sequence
from pathlib import Path

from perceptron.commands.arguments import RUN, RUNS, TRUST, Command
from perceptron.terminal.text import say

COMMAND = Command(
    name="check",
    summary="what a careful person would object to in a finished run",
    details="Each objection says why it matters and what to type instead. The exit status is 0 without objections, 1 "
    "with some, and 2 where the run cannot be read. The run's data is read again.",
    examples=("run=latest", "run=logs/train/multiruns/<sweep>/0", "run=latest data.path=moved.csv"),
    arguments=(RUN, RUNS, TRUST),
    takes_settings=True,
)
_OBJECTIONS = 1


def main(arguments: Sequence[str]) -> None:
    """Print the objections; exit with status 1 if there are some."""
    typed = COMMAND.read(arguments)
    # Imported here, because they import numpy.
    from perceptron.results.run_result import load_run

    run = load_run(typed["run"], runs=Path(typed["runs"]), overrides=typed.settings, trust=typed.trusted())
    found = run.objections()
    for number, objection in enumerate(found, start=1):
        say(f"{number}. {objection.name}: {objection.why}")
        say(f"   {objection.fix}")
    if found:
        sys.exit(_OBJECTIONS)
    say(f"no objections to {run.folder}")
