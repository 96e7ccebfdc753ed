"""``perceptron dashboard``: TensorBoard on the log folder, for this machine alone."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from perceptron.errors import UsageError
from perceptron.spelling import did_you_mean

HELP = """\
perceptron dashboard [logs=<folder>] [port=<number>]

Opens TensorBoard on the runs in a folder, at an address that only this machine reaches.

  logs  logs, or the folder of a task, a run or a sweep
  port  6006; 0 takes any that is free
"""
_ADDRESS = "127.0.0.1"


def main(arguments: Sequence[str]) -> None:
    """Become TensorBoard.

    Raises:
        UsageError: where an argument is wrong or there are no runs.
    """
    if {"--help", "-h"} & set(arguments):
        print(HELP)
        return
    command = tensorboard_command(arguments)
    sys.stdout.flush()
    # In this process' place, so that what stops the one stops the other.
    os.execv(command[0], command)  # noqa: S606


def tensorboard_command(arguments: Sequence[str]) -> list[str]:
    """The program to run and its arguments.

    Raises:
        UsageError: where an argument is wrong or there are no runs.
    """
    settings = {"logs": "logs", "port": "6006"}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or key not in settings:
            raise UsageError(f"there is no setting {argument}; {did_you_mean(key, settings)}")
        settings[key] = value
    port = settings["port"]
    if not (port.isascii() and port.isdigit() and int(port) < 2**16):
        raise UsageError(f"port must be a number from 0 to 65535, got {port}; leave it out for 6006")
    logs = Path(settings["logs"])
    if not any(logs.rglob("events.out.tfevents.*")):
        raise UsageError(
            f"logs must hold runs that TensorBoard can show, got none in {logs}; train with logger=tensorboard"
        )
    options = ["--logdir", str(logs), "--host", _ADDRESS, "--port", port]
    # -P: without it Python looks for modules in the working folder first, and runs what it finds there.
    return [sys.executable, "-P", "-m", "tensorboard.main", *options]
