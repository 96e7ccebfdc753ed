"""A program that runs the same run twice in a process and measures the second: the first pays for imports.

``python -m perceptron.composition.sweeps.repeated_run FILE``, where FILE is a JSON file with the arguments of each run.
The seconds of each that was run are written beside it.
"""

import json
import sys
import time
from pathlib import Path

from perceptron.composition.command_line import run_command
from perceptron.composition.restored_process import process_as_it_was
from perceptron.composition.sweeps.measured_job import SECONDS
from perceptron.errors import UsageError
from perceptron.terminal.signals import ended_by_signals
from perceptron.terminal.text import fail

# Imports are a small part of a run that takes longer than this, and it is not repeated.
_LONG = 20.0


def main(file: Path) -> None:
    """Run the runs of a file.

    Args:
        file: with a list of lists of arguments.
    """
    seconds: list[float] = []
    with ended_by_signals():
        for arguments in json.loads(file.read_text(encoding="utf-8")):
            started = time.perf_counter()
            with process_as_it_was(["perceptron", "train", *arguments]):
                try:
                    run_command(arguments)
                except UsageError as error:
                    fail(error)
            seconds.append(time.perf_counter() - started)
            if seconds[-1] > _LONG:
                break
    file.with_name(SECONDS).write_text(json.dumps(seconds), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
