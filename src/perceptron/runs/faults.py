"""What goes wrong in a run, in one line that says what is left and how to go on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perceptron.errors import DivergedError, UsageError


@contextmanager
def named_faults(folder: Path, *, settings: str) -> Iterator[None]:
    """Turn a loss that is no number, and a disk that takes no more, into a message.

    Args:
        folder: the run's folder.
        settings: those that a loss diverges by, such as ``optimizer.lr=10``.

    Raises:
        UsageError: for both.
    """
    try:
        yield
    except DivergedError as error:
        kept = sorted(str(path) for path in (folder / "checkpoints").glob("*.ckpt"))
        left = f"the last good checkpoint is {kept[0]}" if kept else "no checkpoint was written before"
        raise UsageError(f"{error}; lower {settings}; {left}") from error
    except OSError as error:
        where = f" at {error.filename}" if error.filename else ""
        raise UsageError(
            f"a run must be able to write, got {error.strerror or error}{where}; make room or set paths.log_dir, then "
            f"go on with perceptron resume run={folder}"
        ) from error
