"""A figure as pixels and as files."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from PIL import Image

from perceptron.files.writing import whole_file

Pixels = npt.NDArray[np.uint8]


def to_image(figure: Figure, *, dpi: int = 100) -> Pixels:
    """Pixels ``(height, width, 3)`` uint8. Without pyplot, which takes half a second to import and keeps figures."""
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    with _any_script():
        canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]


def save(figure: Figure, folder: Path, name: str) -> Pixels:
    """Write ``<name>.png`` and ``<name>.svg`` atomically to a folder that exists; returns the pixels, drawn once."""
    pixels = to_image(figure)
    with whole_file(folder / f"{name}.png", sync_folder=False) as file:
        Image.fromarray(pixels).save(file, format="png")
    # What was laid out for the pixels fits the vectors too, and laying out is half of the work (measured).
    # Figure.savefig would draw all a second time to lay it out.
    figure.set_layout_engine("none")
    # Without a date and with a salt of its own the same figure is the same file.
    hashed = mpl.rc_context({"svg.hashsalt": "perceptron"})
    with _any_script(), hashed, whole_file(folder / f"{name}.svg", sync_folder=False) as file:
        FigureCanvasSVG(figure).print_svg(file, metadata={"Date": None})  # type: ignore[no-untyped-call]
    return pixels


@contextmanager
def _any_script() -> Iterator[None]:
    """A class name in a script that the font has not is drawn as boxes, which need no warning each."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        yield
