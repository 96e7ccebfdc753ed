"""Exceptions that end a run: a user's mistake, a signal, a full disk, hours that have passed, a non-finite loss."""

import signal

from perceptron.invocation import installing_command

USAGE_STATUS = 2


class UsageError(Exception):
    """A mistake that the user can correct. Its text is one line with the rule, the value and the fix.

    The command line prints it on standard error without a traceback and exits with status 2.
    """


def missing_extra(needed: str, extra: str, *, found: str = "none") -> UsageError:
    """The error for a package that is not installed.

    Args:
        needed: the feature and the package, such as ``predict needs pyarrow``.
        extra: the extra of this project that installs the package.
        found: what was found instead.
    """
    return UsageError(f"{needed}, got {found}; type {installing_command(extra)}")


class PrunedError(Exception):
    """A run that was stopped because it would not become the best; the text says why."""


class StoppedError(BaseException):
    """An interruption that ends the program wherever it is. Abstract.

    Like KeyboardInterrupt, it is not an ``Exception``: it may be raised inside any code, and a handler of failures
    there must not take it for one and continue.

    Args:
        advice: what to do next, printed after a semicolon; None if the place that raises it does not know.
    """

    status: int

    def __init__(self, *arguments: object, advice: str | None = None) -> None:
        # All arguments are passed on so that a worker process can pickle the exception.
        super().__init__(*arguments, advice)
        self.advice = advice


class InterruptedRunError(StoppedError):
    """A signal ended the program. The command line prints one line and exits with 128 plus the signal's number.

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
    """The disk is full. The command line prints one line and exits with 1.

    Args:
        folder: the folder that was written to.
        why: the system's message, and how much room is left.
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


class OutOfTimeError(StoppedError):
    """The hours of a sweep have passed. The command line prints one line and exits with 124, as ``timeout`` does.

    Args:
        hours: ``sweep.max_hours``.
        n_waiting: number of jobs that were not started.
        advice: see ``StoppedError``.
    """

    status = 124

    def __init__(self, hours: float, n_waiting: int, advice: str | None = None) -> None:
        super().__init__(hours, n_waiting, advice=advice)
        self.hours = hours
        self.n_waiting = n_waiting

    def __str__(self) -> str:
        jobs = "1 job was" if self.n_waiting == 1 else f"{self.n_waiting} jobs were"
        advice = self.advice or "nothing was written; set more hours"
        return f"stopped by sweep.max_hours={self.hours:g}: {jobs} not started; {advice}"


class DivergedError(Exception):
    """A non-finite loss.

    Args:
        loss: NaN or infinite.
        epoch: from 0.
    """

    def __init__(self, loss: float, epoch: int) -> None:
        super().__init__(f"the loss must stay finite, got {loss} in epoch {epoch}")


def reason(error: BaseException, *, lines: int | None = None) -> str:
    """The message of an exception in one line, or the name of its type if it has no message.

    Args:
        error: of any package.
        lines: number of lines of the message to use, if the others are advice to programmers; None for all.
    """
    # torch appends the frames of its C++ code.
    message, _, _ = str(error).partition("\nException raised from")
    said = [line.strip() for line in message.splitlines() if line.strip()]
    return " ".join(said[:lines]) or type(error).__name__


def causes(error: BaseException) -> list[BaseException]:
    """An exception, the one that it was raised from, and so on.

    Under a debugger, or with OC_CAUSE=1, OmegaConf may make an exception its own cause: such a chain ends there.
    """
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and not any(following is each for each in chain):
        chain.append(following)
        following = following.__cause__
    return chain
