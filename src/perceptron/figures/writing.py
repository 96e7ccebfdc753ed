"""Draw several figures and write them to a folder; one that fails does not cost the others."""

import logging
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from matplotlib.figure import Figure

from perceptron.figures.drawing_process import DrawingFailedError, DrawingProcess
from perceptron.plots.animation import save_gif
from perceptron.plots.image import Pixels, save
from perceptron.terminal.text import visible

_log = logging.getLogger(__name__)

# Draws plain arrays, and returns None if there is nothing to draw: a partial of a function of perceptron.plots, which
# another process can call.
Picture = Callable[[], Figure | None]
# Name of a figure, which is its file's, and a function that computes what it shows.
Drawing = tuple[str, Callable[[], Picture | None]]


def drawn(drawings: Sequence[Drawing]) -> Iterator[tuple[str, Figure]]:
    """Draw figures and yield each with its name.

    A figure that cannot be drawn is logged as a warning: it must not cost the results of a long training.
    """
    for name, picture in _computed(drawings):
        figure = None
        with _warned(name):
            figure = picture()
        if figure is not None:
            yield name, figure


def written(
    drawings: Sequence[Drawing], folder: Path, *, helper: DrawingProcess | None = None
) -> Iterator[tuple[str, Pixels]]:
    """Draw figures, write each to ``figures/<name>.png`` and ``.svg`` in a folder, and yield its name and pixels.

    Args:
        drawings: what to draw.
        folder: of the run or the sweep.
        helper: draws figures at the same time as this process.
    """
    into = folder / "figures"
    into.mkdir(exist_ok=True)
    if helper is None:
        yield from _saved(drawn(drawings), into)
        return
    yield from _shared(drawings, into, helper)


def _shared(drawings: Sequence[Drawing], folder: Path, helper: DrawingProcess) -> Iterator[tuple[str, Pixels]]:
    """Both processes take from one queue, which this one fills with what it has computed."""
    waiting: SimpleQueue[tuple[str, Picture] | None] = SimpleQueue()
    done: list[tuple[str, Pixels]] = []
    left: list[tuple[str, Picture]] = []

    def pass_on() -> None:
        while (item := waiting.get()) is not None:
            name, picture = item
            try:
                pixels = helper.save(picture, folder, name)
            except DrawingFailedError as error:
                _warn(name, str(error))
            except (OSError, EOFError, ValueError, pickle.PickleError, AttributeError, TypeError):
                # The process has ended, or cannot be sent this one.
                left.append(item)
            else:
                done.extend([] if pixels is None else [(name, pixels)])

    thread = Thread(target=pass_on, name="drawing", daemon=True)
    thread.start()
    try:
        for item in _computed(drawings):
            waiting.put(item)
        while (own := _next(waiting)) is not None:
            yield from _saved(drawn([(own[0], lambda own=own: own[1])]), folder)  # type: ignore[misc]
    finally:
        waiting.put(None)
    thread.join()
    yield from done
    yield from _saved(drawn([(name, lambda picture=picture: picture) for name, picture in left]), folder)  # type: ignore[misc]


def _saved(figures: Iterable[tuple[str, Figure]], folder: Path) -> Iterator[tuple[str, Pixels]]:
    """Write figures and yield the name and pixels of each."""
    for name, figure in figures:
        try:
            pixels = save(figure, folder, name)
        except ValueError as error:
            # Matplotlib's, for an image that is too large.
            _warn(name, str(error))
        else:
            yield name, pixels


def _next(waiting: "SimpleQueue[tuple[str, Picture] | None]") -> tuple[str, Picture] | None:
    try:
        return waiting.get_nowait()
    except Empty:
        return None


def _computed(drawings: Sequence[Drawing]) -> Iterator[tuple[str, Picture]]:
    for name, compute in drawings:
        picture = None
        with _warned(name):
            picture = compute()
        if picture is not None:
            yield name, picture


def write_animation(name: str, frames: Callable[[], Iterable[Picture]], folder: Path) -> None:
    """Draw frames and write them to ``figures/<name>.gif`` in a folder; a failure is a warning."""
    with _warned(f"{name}.gif"):
        figures = (picture() for picture in frames())
        save_gif((figure for figure in figures if figure is not None), folder / "figures", name)


@contextmanager
def _warned(name: str) -> Iterator[None]:
    """Log a warning where a figure cannot be drawn."""
    try:
        yield
    except Exception as error:
        _warn(name, f"{type(error).__name__}: {error}")


def _warn(name: str, failure: str) -> None:
    _log.warning("the figure %s could not be drawn: %s", name, visible(failure))
