"""Text from files, data and command lines, made safe for a terminal, a log or a page."""

import io
import logging
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, NoReturn, TextIO

from perceptron.errors import USAGE_STATUS, UsageError
from perceptron.terminal.notebook import in_notebook
from perceptron.terminal.status import clear

# Shown for an undefined number.
DASH = "\N{EN DASH}"
_WIDEST = 100
# Joiners of letters in Persian and Indic scripts and in emoji, and spaces of special widths.
_HARMLESS = frozenset("\u200c\u200d\u202f\u205f\u3000\xa0" + "".join(map(chr, range(0x2000, 0x200B))))


def visible(text: object) -> str:
    r"""The text in one line, with every invisible character escaped.

    A terminal executes control characters, a line feed ends an entry of a log, and directional marks reorder what a
    reader sees. Each is replaced by its Python escape sequence, such as ``\x1b``.

    Args:
        text: any object; ``str`` is applied to it.
    """
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(
        character
        if character.isprintable() or character in _HARMLESS
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in shown
    )


def escape_unencodable() -> None:
    """Have the standard streams write a character that their encoding lacks as its escape sequence.

    Otherwise a class name in Greek would end the program on Windows, where output to a file or pipe has a code page.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def text_width() -> int:
    """Columns for text that is wrapped: those of the terminal, at most 100."""
    return min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST)


def say(text: object, *, file: TextIO | None = None) -> None:
    """Print a text as one line, made ``visible``; on standard output by default."""
    clear()
    print(visible(text), file=file or sys.stdout)


def fail(error: UsageError | str) -> NoReturn:
    """Print a user's mistake on standard error and exit with status 2."""
    say(f"error: {error}", file=sys.stderr)
    sys.exit(USAGE_STATUS)


@contextmanager
def warnings_on_stderr() -> Iterator[None]:
    """Show the project's warnings on standard error, for commands that do not configure logging."""
    handler = TerminalHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(VisibleFormatter("warning: %(message)s"))
    logger = logging.getLogger("perceptron")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


# How an entry stands in the log of a run, as in Hydra's settings of the job's logging.
DATED = "[%(asctime)s][%(name)s][%(levelname)s] %(message)s"
# Attribute of a log entry that is for the log's file alone, because its text is printed.
IS_PRINTED = "is_printed"


class TerminalHandler(logging.Handler):
    """Prints log entries on the standard error of the moment, which a progress bar replaces while it is shown.

    Attributes:
        told: news of this command, which the jobs of a sweep would repeat; the command clears it when it starts.
    """

    told: ClassVar[set[str]] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Print an entry, unless its text is printed already."""
        if getattr(record, IS_PRINTED, False):
            return
        try:
            text = self.format(record)
            is_news = record.levelno < logging.WARNING
            if is_news and text in self.told:
                return
            self.told.add(text)
            clear()
            # A notebook shows standard error on red.
            print(text, file=sys.stdout if is_news and in_notebook() else sys.stderr, flush=True)
        except Exception:
            self.handleError(record)


class VisibleFormatter(logging.Formatter):
    """Formats log entries with ``visible`` text, but keeps line feeds and tabs, because Lightning logs tables."""

    def format(self, record: logging.LogRecord) -> str:
        """Format an entry, with its traceback if it has one."""
        lines = super().format(record).split("\n")
        return "\n".join("\t".join(map(visible, line.split("\t"))) for line in lines)
