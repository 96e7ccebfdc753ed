"""Training in Python: the command line's settings and runs, called as functions."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from perceptron.errors import UsageError
from perceptron.results.run_result import RunResult, load_run
from perceptron.results.sweep_result import SweepResult, load_sweep


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
    _check_one_run(overrides)
    with _generator_as_it_was():
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
        UsageError: see ``train``.
    """
    _check_settings(overrides, instead="the command line")
    with _generator_as_it_was():
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
        folder = SweepCallback.folder
    if folder is None:
        raise UsageError("sweep runs several jobs, got the settings of one run; use perceptron.train")
    return load_sweep(folder)


@contextmanager
def _generator_as_it_was() -> Iterator[None]:
    """Keep the state of Python's generator, from which rich draws while it is imported."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)


def _check_settings(overrides: Sequence[str], *, instead: str) -> None:
    """Refuse what is no list of texts, and flags."""
    if isinstance(overrides, str):
        raise UsageError(f"settings must be a list of texts, got the text {overrides}; write [{overrides!r}]")
    if not isinstance(overrides, Sequence) or not all(isinstance(text, str) for text in overrides):
        raise UsageError(f'settings must be a list of texts, got {overrides!r}; write ["model=logistic", "seed=1"]')
    for text in overrides:
        if text.startswith("-"):
            raise UsageError(f"settings are written key=value, got {text}; use {instead} for it")


def _check_one_run(overrides: Sequence[str]) -> None:
    """Refuse settings with several values. The command line would advise a multirun by a flag."""
    from perceptron.composition.settings.parsing import parsed_overrides

    try:
        several = [text for text in parsed_overrides(overrides) if text.is_sweep_override()]
    except UsageError:
        # The run says it with what it knows of the command line.
        return
    if several:
        raise UsageError(f"train trains one run, got several values in {several[0].input_line}; use perceptron.sweep")
