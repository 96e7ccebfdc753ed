"""Training in Python: the command line's settings and runs, called as functions."""

import sys
from collections.abc import Sequence

from perceptron.errors import OutOfTimeError, UsageError
from perceptron.results.run_result import RunResult, load_run
from perceptron.results.sweep_result import SweepResult, load_sweep
from perceptron.terminal.text import say


def train(overrides: Sequence[str] = ()) -> RunResult:
    """Train, test and log a model, as ``perceptron train`` does: the same folder, and the same bits in it.

    The process is as before when it returns: ``sys.argv``, the environment, loggers, warnings, signal handlers, random
    generators, and torch's number of threads. An interruption (Ctrl-C, or a notebook's stop button) saves the state and
    raises an ``InterruptedRunError``, whose text says how to resume.

    Args:
        overrides: settings as on the command line, such as ``["model=digits_mlp", "optimizer.lr=0.1"]``.

    Raises:
        UsageError: for whatever the command line would end with status 2; its text is the command's line.
    """
    _check_settings(overrides, instead="perceptron.sweep")
    # Imported here, because they import torch.
    from perceptron.composition.command_line import run_command
    from perceptron.composition.restored_process import process_as_it_was
    from perceptron.composition.settings.before_start import CheckBeforeStart

    with process_as_it_was(["perceptron", "train", *overrides]):
        run_command(list(overrides), in_one_process=True)
        folder = CheckBeforeStart.folder
    if folder is None:
        raise UsageError("train trains one run, got the settings of several; use perceptron.sweep")
    return load_run(folder)


def sweep(overrides: Sequence[str]) -> SweepResult:
    """Run a sweep, as ``perceptron train -m`` does. A failed job does not stop the others, and raises nothing here.

    Args:
        overrides: settings as on the command line, such as ``["model=logistic,binary_mlp", "seed=range(5)"]``; also
            ``["sweep.resume=<folder>"]``.

    Raises:
        UsageError: see ``train``; also for ``sweep.dry_run``, whose plan is no result.
    """
    _check_settings(overrides, instead="the command line")
    planned = [text for text in overrides if text.startswith("sweep.dry_run=")]
    if planned:
        raise UsageError(f"a sweep in Python returns its results, got {planned[0]}; use the command line for a plan")
    # Imported here, because they import torch.
    from perceptron.composition.command_line import run_command
    from perceptron.composition.restored_process import process_as_it_was
    from perceptron.composition.sweeps.sweep_callback import SweepCallback

    with process_as_it_was(["perceptron", "train", "-m", *overrides]):
        try:
            run_command(["-m", *overrides])
        except SystemExit:
            # A job failed: its row says why.
            if SweepCallback.folder is None:
                raise
        except OutOfTimeError as error:
            # As wanted: the others have their results.
            say(error, file=sys.stderr)
        folder = SweepCallback.folder
    if folder is None:
        raise UsageError("sweep runs several jobs, got the settings of one run; use perceptron.train")
    return load_sweep(folder)


def _check_settings(overrides: Sequence[str], *, instead: str) -> None:
    """Refuse what is no list of texts, and flags."""
    if isinstance(overrides, str):
        raise UsageError(f"settings must be a list of texts, got the text {overrides}; write [{overrides!r}]")
    if not isinstance(overrides, Sequence) or not all(isinstance(text, str) for text in overrides):
        raise UsageError(f'settings must be a list of texts, got {overrides!r}; write ["model=logistic", "seed=1"]')
    for text in overrides:
        if text.startswith("-"):
            raise UsageError(f"settings are written key=value, got {text}; use {instead} for it")
