"""What is drawn, and that names from data are shown as they are."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perceptron.plots.boundary import Boundary, draw_boundaries, grid_of
from perceptron.plots.calibration import draw_calibration, reliability
from perceptron.plots.confusion import draw_confusion
from perceptron.plots.curves import draw_curves
from perceptron.plots.discrimination import discriminate, draw_discrimination
from perceptron.plots.image import save
from perceptron.plots.mistakes import draw_mistakes, surest_mistakes
from perceptron.plots.probabilities import counts_by_class, draw_probabilities
from perceptron.plots.residuals import draw_residuals
from perceptron.plots.style import shown
from perceptron.plots.sweep import draw_importance, draw_rates
from perceptron.plots.weights import draw_coefficients, draw_weight_images

HOSTILE = ("<script>alert(1)</script>", "$x^{$ & \x00\n漢字")


def _answers(n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(n_classes), size=80)
    return probabilities, generator.integers(0, n_classes, 80)


def _figures(names):
    probabilities, target = _answers(len(names))
    labels = probabilities.argmax(axis=1)
    mistakes = surest_mistakes(probabilities, target, labels)
    features = np.random.default_rng(1).normal(size=(80, 2)).astype(np.float32)
    _, _, points = grid_of(features)
    ground = np.full((len(points), len(names)), 1 / len(names))
    ground[: len(points) // 2] = np.eye(len(names))[0]
    rows = "test rows"
    counts = np.bincount(target * len(names) + labels, minlength=len(names) ** 2).reshape(len(names), -1)
    yield "confusion", draw_confusion(counts, names, rows=rows)
    yield "discrimination", draw_discrimination(discriminate(probabilities, target), names, rows=rows)
    yield (
        "calibration",
        draw_calibration(reliability(probabilities, target), positive=shown(names[1]), rows=rows),
    )
    by_class = counts_by_class(probabilities, target)
    yield "probabilities", draw_probabilities(by_class, names, threshold=0.5, rows=rows)
    for images in None, np.zeros((80, 4, 3)):
        drawn = draw_mistakes(mistakes, names, row_numbers=np.arange(80), images=images, n_wrong=40, rows=rows)
        yield "mistakes", drawn
    yield "coefficients", draw_coefficients(np.ones((1, 2)), names[:2], names[:1], units="log-odds")
    yield "coefficients", draw_coefficients(np.ones((2, 2)), names[:2], names[:2], units="log-odds")
    yield "weights", draw_weight_images(np.ones((len(names), 6)), (2, 3), names)
    yield "residuals", draw_residuals(probabilities[:, 0], probabilities[:, 1], name=names[1], rows=rows)
    boundaries = [Boundary(when="after 1 epoch", probabilities=ground)]
    yield (
        "boundary",
        draw_boundaries(
            boundaries, features, target, feature_names=names[:2], class_names=names, threshold=0.5, rows=rows
        ),
    )
    yield "rates", draw_rates({names[0]: [(0.1, 1.0), (0.01, 2.0)]}, score="val/loss")
    yield "importance", draw_importance({names[0]: 0.75, names[1]: 0.25}, score="val/loss", n_runs=9)


@pytest.mark.parametrize("names", [HOSTILE, (*HOSTILE, "c")], ids=["two", "three"])
def test_any_name_is_shown_as_text_in_both_kinds_of_file(names, tmp_path: Path) -> None:
    drawn = 0
    for name, figure in _figures(names):
        assert figure.get_suptitle() or figure.axes[0].get_title(), name
        assert any(axes.get_xlabel() for axes in figure.axes) or name in ("mistakes", "weights", "boundary")
        save(figure, tmp_path, name)
        tree = ElementTree.parse(tmp_path / f"{name}.svg")  # noqa: S314
        assert not [node for node in tree.iter() if node.tag.rpartition("}")[2] in ("script", "foreignObject")]
        with Image.open(tmp_path / f"{name}.png") as image:
            assert image.width < 1600
        drawn += 1
    assert drawn == 13


def test_the_same_figure_is_the_same_file(tmp_path: Path) -> None:
    counts = np.array([[3, 1], [0, 4]])
    for name in "ab":
        save(draw_confusion(counts, ("no", "yes"), rows="test rows"), tmp_path, name)
    for kind in ("png", "svg"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_names_are_cut_and_kept_from_being_formulas() -> None:
    assert shown("a\n b\x00c") == "a b c"
    assert len(shown("x" * 100)) == 22
    assert shown("$5 to $6") == r"\$5 to \$6"


def test_training_and_validation_share_a_chart() -> None:
    curves = {"train/loss": ([0, 1], [2.0, 1.0]), "val/loss": ([0, 1], [2.5, 1.5]), "val/acc": ([0, 1], [0.5, 0.9])}
    figure = draw_curves(curves, loss_units="nats", best_epoch=1)
    assert figure is not None
    loss, share = figure.axes
    assert [line.get_label() for line in loss.lines] == ["training", "validation", "kept: epoch 1"]
    np.testing.assert_array_equal(loss.lines[1].get_xydata(), [[0, 2.5], [1, 1.5]])
    assert (loss.get_xlabel(), loss.get_ylabel(), share.get_ylabel()) == ("epoch", "loss [nats]", "share")
    assert draw_curves({}, loss_units="nats") is None


def test_a_metric_of_the_users_has_an_axis_to_itself() -> None:
    curves = {"val/acc": ([0, 1], [0.5, 0.9]), "val/kappa": ([0, 1], [0.1, 0.8]), "val/log_loss": ([0, 1], [2.0, 1.0])}
    figure = draw_curves(curves, loss_units="nats")
    assert figure is not None
    assert [axes.get_ylabel() for axes in figure.axes] == ["share", "kappa"]


def test_a_loss_over_decades_is_drawn_on_a_logarithmic_axis() -> None:
    figure = draw_curves({"train/loss": ([0, 1], [100.0, 0.1])}, loss_units="nats")
    assert figure is not None
    assert figure.axes[0].get_yscale() == "log"
