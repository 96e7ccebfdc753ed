from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perceptron.plots.animation import save_gif
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


def test_an_animation_has_a_frame_for_each_figure_and_the_axes_of_the_whole_path(tmp_path: Path) -> None:
    path = [1.0, 0.8, 0.64]
    frames = [draw_descent(path, n_shown=n) for n in (1, 2, 3)]
    assert len({tuple(frame.axes[0].get_xlim()) for frame in frames}) == 1
    for name in ("one", "two"):
        save_gif((draw_descent(path, n_shown=n) for n in (1, 2, 3)), tmp_path, name)
    assert (tmp_path / "one.gif").read_bytes() == (tmp_path / "two.gif").read_bytes()
    with Image.open(tmp_path / "one.gif") as image:
        assert (image.format, image.n_frames) == ("GIF", 3)
    assert (tmp_path / "one.gif").stat().st_size < 100_000


@pytest.mark.parametrize(("rate", "says"), [(0.1, "to x = 0.107"), (1.01, "to x = -1.2: it diverges")])
def test_the_title_has_the_rate_and_says_that_it_diverges(rate: float, says: str) -> None:
    # x becomes x - rate * 2 x; an odd number of steps ends on the other side.
    path = [(1 - 2 * rate) ** step for step in range(11 if rate < 1 else 10)]
    (axes,) = draw_descent(path, rate=rate).axes
    assert axes.get_title().endswith(says if rate > 1 else f"at the rate 0.1,\n{says}")


def test_a_path_that_overflows_is_drawn_as_far_as_it_is_finite() -> None:
    (axes,) = draw_descent([1.0, -3.0, 9.0, float("inf")], rate=2.0).axes
    assert "to x = 9: it diverges" in axes.get_title()
