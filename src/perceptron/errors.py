"""What ends a run early: a user's mistake, a signal, a full disk, a loss that is not finite."""

import signal

USAGE_STATUS = 2


class UsageError(Exception):
    """Something that the user can mend: one line that says the rule, the value and the fix.

    The command line prints it on stderr without a traceback and ends with status 2.
    """


def missing_extra(needed: str, extra: str, *, found: str = "none") -> UsageError:
    """The error for a package that is not installed.

    The advice names a checkout: the name ``perceptron`` on the package index belongs to another project.

    Args:
        needed: what needs which package, such as ``predict needs pyarrow``.
        extra: the extra of this project that installs it.
        found: what there is instead.
    """
    command = f"pip install --constraint constraints.txt --editable '.[{extra}]'"
    return UsageError(f"{needed}, got {found}; type {command} in the project's folder")


class PrunedError(Exception):
    """A run that was ended early because it would not be the best; its text says why."""


class StoppedError(BaseException):
    """What ends the program wherever it is. Abstract.

    Like KeyboardInterrupt no Exception: it arrives inside any code, and a handler for whatever may go wrong there must
    not take it for a failure of one part and go on with the others.

    Args:
        advice: what to do next, printed after a semicolon; None where whoever stops does not know.
    """

    status: int

    def __init__(self, *arguments: object, advice: str | None = None) -> None:
        # All of them, so that a worker process can send it to the one that waits for it.
        super().__init__(*arguments, advice)
        self.advice = advice


class InterruptedRunError(StoppedError):
    """A signal that ends the program; the command line prints one line and exits with 128 plus its number.

    Args:
        number: of the signal.
        advice: see ``StoppedError``.
    """

    def __init__(self, number: int, advice: str | None = None) -> None:
        super().__init__(number, advice=advice)
        self.number = number
        self.status = 128 + number

    def __str__(self) -> str:
        return f"interrupted by {signal.Signals(self.number).name}; {self.advice or 'nothing was written'}"


class NoRoomError(StoppedError):
    """A disk that takes no more; the command line prints one line and exits with 1.

    Args:
        folder: that was written to.
        why: what the system says, and how much room is left.
        advice: see ``StoppedError``.
    """

    status = 1

    def __init__(self, folder: str, why: str, advice: str | None = None) -> None:
        super().__init__(folder, why, advice=advice)
        self.folder = folder
        self.why = why

    def __str__(self) -> str:
        advice = self.advice or "type the command again"
        return f"error: the disk must have room, got {self.why} in {self.folder}; make room, then {advice}"


class DivergedError(Exception):
    """A loss that is no finite number.

    Args:
        loss: NaN or infinite.
        epoch: in which it was so, from 0.
    """

    def __init__(self, loss: float, epoch: int) -> None:
        super().__init__(f"the loss must stay finite, got {loss} in epoch {epoch}")


def reason(error: BaseException, *, lines: int | None = None) -> str:
    """What an exception says, in one line; the name of its type where it says nothing.

    Args:
        error: of any package.
        lines: so many of the first lines of what it says, where those behind them are advice to programmers; None
            for all of them.
    """
    # torch lists the frames of its C++ behind what went wrong.
    message, _, _ = str(error).partition("\nException raised from")
    said = [line.strip() for line in message.splitlines() if line.strip()]
    return " ".join(said[:lines]) or type(error).__name__


def root_cause(error: BaseException) -> BaseException:
    """The first of a chain of exceptions, each of which was raised from the one before."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
