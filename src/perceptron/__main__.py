"""``perceptron <command> ...`` and ``python -m perceptron <command> ...``. Imports nothing heavy."""

import sys

# For python -m the working folder comes first, where a typing.py would be run in place of Python's.
if __name__ == "__main__" and not sys.flags.safe_path:
    del sys.path[0]

from contextlib import nullcontext
from importlib import import_module

from perceptron.errors import UsageError, reason
from perceptron.spelling import did_you_mean
from perceptron.terminal.pipes import ended_by_reader
from perceptron.terminal.signals import ended_by_signals, raise_if_lost
from perceptron.terminal.text import fail, warnings_on_stderr

# Name: what it does, in a line. The module of the same name in perceptron.commands is imported when it is called.
COMMANDS = {
    "train": "train, test and log a model; the same as python train.py",
    "resume": "let a run that was stopped go on, to the same bits",
    "evaluate": "loss and metrics of a run's model on a split, or on other data",
    "predict": "answers for the rows of a CSV, Parquet or Feather file",
    "export": "a run's model as ONNX or as a torch.export program",
    "ensemble": "one predictor of a sweep's members: the mean of their answers, and its spread",
    "compare": "rank the settings of runs and sweeps, with intervals and paired tests",
    "report": "a run or a sweep as one HTML file",
    "dashboard": "TensorBoard on the log folder, for this machine alone",
}
# Commands that have a log.
_LOGGED = ("train", "resume")


def main() -> None:
    """Run the command that the first argument names."""
    with ended_by_reader(), ended_by_signals():
        _run()


def _run() -> None:
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in ("--help", "-h"):
        print("perceptron <command> [key=value ...]\n")
        print("\n".join(f"  {command:<10} {summary}" for command, summary in COMMANDS.items()))
        return
    try:
        if name not in COMMANDS:
            raise UsageError(f"there is no command {name}; {did_you_mean(name, COMMANDS)}")
        with nullcontext() if name in _LOGGED else warnings_on_stderr():
            try:
                import_module(f"perceptron.commands.{name}").main(arguments)
            except Exception:
                # A signal that a library has dropped may be its cause.
                raise_if_lost()
                raise
    except UsageError as error:
        fail(error)
    except MemoryError as error:
        fail(f"a command must fit in memory, got {reason(error, lines=1)}; take less data or a smaller model")
    except BrokenPipeError:
        raise
    except OSError as error:
        where = f" at {error.filename}" if error.filename else ""
        fail(
            f"a command must be able to read and write, got {error.strerror or error}{where}; make room, mend its "
            "permissions or name another place"
        )


if __name__ == "__main__":
    main()
