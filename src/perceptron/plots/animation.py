"""Figures one after another, as a GIF file."""

from collections.abc import Iterable
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from perceptron.files.writing import atomic_file
from perceptron.plots.image import to_image

_DPI = 60
_MILLISECONDS = 250
_MILLISECONDS_OF_LAST = 2000
_COLOURS = 64


def save_gif(figures: Iterable[Figure], folder: Path, name: str) -> None:
    """Write ``<name>.gif`` atomically to an existing folder; it repeats, and stays longer at its last frame.

    Args:
        figures: the frames, at least one, of one size.
        folder: where the file goes.
        name: of the file.
    """
    # Few colours, without dithering, whose noise would differ from frame to frame: a tenth of the size (measured).
    frames = [
        Image.fromarray(to_image(figure, dpi=_DPI)).quantize(_COLOURS, dither=Image.Dither.NONE) for figure in figures
    ]
    durations = [_MILLISECONDS] * (len(frames) - 1) + [_MILLISECONDS_OF_LAST]
    with atomic_file(folder / f"{name}.gif", sync_folder=False) as file:
        frames[0].save(file, format="gif", save_all=True, append_images=frames[1:], duration=durations, loop=0)
