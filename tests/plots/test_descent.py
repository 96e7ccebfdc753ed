from pathlib import Path

import numpy as np

from perceptron.plots.descent import draw_descent
from perceptron.plots.image import save, to_image


def test_the_path_and_its_tangent_are_what_was_computed() -> None:
    (axes,) = draw_descent([1.0, 0.8, 0.64]).axes
    lines = {line.get_label(): line for line in axes.lines}
    np.testing.assert_allclose(lines["path of the descent"].get_xdata(), [1, 0.8, 0.64])
    np.testing.assert_allclose(lines["path of the descent"].get_ydata(), [1, 0.64, 0.4096])
    tangent = lines["tangent at x = 1"]
    slope = np.diff(tangent.get_ydata()) / np.diff(tangent.get_xdata())
    np.testing.assert_allclose(slope, 2)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "f(x)")


def test_pixels() -> None:
    pixels = to_image(draw_descent([1.0]), dpi=50)
    assert pixels.shape == (225, 300, 3)
    assert pixels.dtype == np.uint8
    assert pixels.min() < 100 < pixels.max()


def test_the_same_figure_is_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        save(draw_descent([1.0, 0.8]), tmp_path, name)
    for kind in ("png", "svg"):
        one, two = ((tmp_path / f"{name}.{kind}").read_bytes() for name in ("one", "two"))
        assert one == two
        assert b"<dc:date>" not in one
