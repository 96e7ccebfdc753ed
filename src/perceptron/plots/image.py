"""Convert a figure to pixels and write it to files."""

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

from perceptron.files.writing import atomic_file

Pixels = npt.NDArray[np.uint8]


def to_image(figure: Figure, *, dpi: int = 100) -> Pixels:
    """Draw to pixels ``(height, width, 3)`` uint8. Pyplot, which is slow to import and keeps figures, is not used."""
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    with _any_script():
        canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]


def save(figure: Figure, folder: Path, name: str) -> Pixels:
    """Write ``<name>.png`` and ``<name>.svg`` atomically to an existing folder, and return the pixels."""
    pixels = to_image(figure)
    with atomic_file(folder / f"{name}.png", sync_folder=False) as file:
        Image.fromarray(pixels).save(file, format="png")
    # The layout for the pixels serves the vectors too; computing it is half of the work (measured), and
    # Figure.savefig would compute it again.
    figure.set_layout_engine("none")
    # Without the date and with a fixed salt, equal figures give equal files.
    hashed = mpl.rc_context({"svg.hashsalt": "perceptron"})
    with _any_script(), hashed, atomic_file(folder / f"{name}.svg", sync_folder=False) as file:
        FigureCanvasSVG(figure).print_svg(file, metadata={"Date": None})  # type: ignore[no-untyped-call]
    return pixels


@contextmanager
def _any_script() -> Iterator[None]:
    """Silence the warnings about characters that the font lacks; they are drawn as boxes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        yield
