"""A program that runs one run after another in a process and measures the last: the first pays for imports.

``python -m perceptron.composition.sweeps.repeated_run FILE``, where FILE is a JSON file with the arguments of each run.
The seconds of the last are written beside it.
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


def main(file: Path) -> None:
    """Run the runs of a file.

    Args:
        file: with a list of lists of arguments.
    """
    seconds = 0.0
    with ended_by_signals():
        for arguments in json.loads(file.read_text(encoding="utf-8")):
            started = time.perf_counter()
            with process_as_it_was(["perceptron", "train", *arguments]):
                try:
                    run_command(arguments)
                except UsageError as error:
                    fail(error)
            seconds = time.perf_counter() - started
    file.with_name(SECONDS).write_text(json.dumps(seconds), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
