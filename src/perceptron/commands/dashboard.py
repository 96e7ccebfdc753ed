"""``perceptron dashboard``: TensorBoard on the log folder, for this machine only."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from perceptron.commands.arguments import Argument, Command
from perceptron.errors import UsageError
from perceptron.terminal.status import show

COMMAND = Command(
    name="dashboard",
    summary="TensorBoard on the log folder, for this machine only",
    examples=("logs=logs/train port=6007",),
    arguments=(
        Argument(
            name="logs", takes="<folder>", summary="the log folder, or a task's, a run's or a sweep's", default="logs"
        ),
        Argument(name="port", takes="<number>", summary="port to listen at; 0 takes any that is free", default="6006"),
    ),
)
_ADDRESS = "127.0.0.1"


def main(arguments: Sequence[str]) -> None:
    """Replace this process with TensorBoard, so that a signal to it reaches TensorBoard; on Windows, wait for it.

    Raises:
        UsageError: for an invalid argument, or a folder without TensorBoard's files.
    """
    command = tensorboard_command(arguments)
    # It says nothing for seconds; then its first line, which is longer, replaces this one.
    show("loading TensorBoard")
    sys.stdout.flush()
    if hasattr(os, "fork"):
        os.execv(command[0], command)  # noqa: S606
    # Windows' execv returns to the shell while the new process runs. Ctrl-C reaches both, and TensorBoard ends by it.
    with subprocess.Popen(command) as tensorboard:  # noqa: S603
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            sys.exit(tensorboard.wait())
        finally:
            signal.signal(signal.SIGINT, before)


def tensorboard_command(arguments: Sequence[str]) -> list[str]:
    """The program to run and its arguments.

    Raises:
        UsageError: see ``main``.
    """
    typed = COMMAND.read(arguments)
    port, logs = typed["port"], Path(typed["logs"])
    if not (port.isascii() and port.isdigit() and int(port) < 2**16):
        raise UsageError(f"port must be a number from 0 to 65535, got {port}; leave it out for 6006")
    if not any(logs.rglob("events.out.tfevents.*")):
        raise UsageError(
            f"logs must hold runs that TensorBoard can show, got none in {logs}; train with logger=tensorboard"
        )
    options = ["--logdir", str(logs), "--host", _ADDRESS, "--port", port]
    # Without -P, Python would look for modules in the working folder first and run what it finds there.
    return [sys.executable, "-P", "-m", "tensorboard.main", *options]
