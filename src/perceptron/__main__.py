"""``perceptron <command> ...`` and ``python -m perceptron <command> ...``. Imports nothing heavy."""

import sys

# With python -m the working folder comes first on the path, and a typing.py in it would replace Python's.
if __name__ == "__main__" and not sys.flags.safe_path:
    del sys.path[0]

from contextlib import nullcontext
from importlib import import_module
from textwrap import fill

from perceptron.completion import FLAG, complete
from perceptron.errors import UsageError, reason
from perceptron.spelling import did_you_mean
from perceptron.terminal.pipes import ended_by_reader
from perceptron.terminal.signals import ended_by_signals, raise_if_lost
from perceptron.terminal.status import clear, status_line
from perceptron.terminal.text import escape_unencodable, fail, text_width, warnings_on_stderr

# Each is a module of perceptron.commands, which is imported when it is called.
COMMANDS = (
    "train", "resume", "evaluate", "predict", "export", "ensemble", "compare", "check", "figures", "report",
    "dashboard",
)  # fmt: skip
# Commands whose warnings go to a log.
_LOGGED = ("train", "resume")


def main() -> None:
    """Run the command that the first argument names."""
    escape_unencodable()
    with ended_by_reader(), ended_by_signals(), status_line("reading the command"):
        _run()


def _run() -> None:
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in ("--help", "-h"):
        clear()
        print("perceptron <command> [<argument>=<value> ...]\n")
        for command in COMMANDS:
            summary = import_module(f"perceptron.commands.{command}").COMMAND.summary
            print(fill(summary, text_width(), initial_indent=f"  {command:<10} ", subsequent_indent=" " * 13))
        print()
        print(fill("perceptron <command> --help lists the arguments of a command.", text_width()))
        return
    if name == FLAG:
        complete(arguments, COMMANDS)
        return
    try:
        if name not in COMMANDS:
            raise UsageError(f"there is no command {name}; {did_you_mean(name, COMMANDS)}")
        with nullcontext() if name in _LOGGED else warnings_on_stderr():
            try:
                import_module(f"perceptron.commands.{name}").main(arguments)
            except Exception:
                # A signal whose exception a library swallowed may be the cause.
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
            f"a command must be able to read and write, got {error.strerror or error}{where}; make room, correct the "
            "permissions or name another place"
        )


if __name__ == "__main__":
    main()
