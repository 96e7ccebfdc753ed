"""A figure as pixels."""

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def to_image(figure: Figure, *, dpi: int = 120) -> npt.NDArray[np.uint8]:
    """Pixels ``(height, width, 3)`` uint8. Without pyplot, which takes half a second to import and keeps figures."""
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]
