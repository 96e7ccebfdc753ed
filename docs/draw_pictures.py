"""Draws the pictures of docs/reading-the-results.md from made-up numbers: python docs/draw_pictures.py."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from perceptron.plots.calibration import draw_calibration, reliability
from perceptron.plots.confusion import confusion_counts, draw_confusion
from perceptron.plots.curves import draw_curves
from perceptron.plots.discrimination import discriminate, draw_discrimination
from perceptron.plots.image import to_image
from perceptron.plots.probabilities import counts_by_class, draw_probabilities
from perceptron.plots.residuals import draw_residuals

_FOLDER = Path(__file__).parent / "images"
_CLASSES = ("ill", "healthy")
_ROWS = "test rows"
_N_ROWS = 200


def main() -> None:
    """Draw all of them."""
    generator = np.random.default_rng(0)
    logits = generator.normal(0.5, 2.0, _N_ROWS)
    target = (generator.random(_N_ROWS) < 1 / (1 + np.exp(-logits))).astype(np.int64)
    # A model that is too sure of itself.
    healthy = 1 / (1 + np.exp(-2.5 * logits))
    probabilities = np.stack([1 - healthy, healthy], axis=1).astype(np.float32)
    labels = probabilities.argmax(axis=1)
    true = generator.normal(150, 60, _N_ROWS)
    predicted = 0.7 * true + 45 + generator.normal(0, 25, _N_ROWS)
    figures = {
        "overfitting": _overfitting(),
        "confusion": draw_confusion(confusion_counts(target, labels, n_classes=2), _CLASSES, rows=_ROWS),
        "discrimination": draw_discrimination(discriminate(probabilities, target), _CLASSES, rows=_ROWS),
        "calibration": draw_calibration(reliability(probabilities, target), positive=_CLASSES[1], rows=_ROWS),
        "probabilities": draw_probabilities(
            counts_by_class(probabilities, target), _CLASSES, threshold=0.5, rows=_ROWS
        ),
        "residuals": draw_residuals(predicted, true, name="pulse", rows=_ROWS),
    }
    for name, figure in figures.items():
        _save(figure, name)


def _overfitting() -> Figure:
    epochs = np.arange(60)
    train, val = 0.65 * np.exp(-epochs / 10) + 0.03, 0.5 * np.exp(-epochs / 6) + 0.18 + 0.004 * epochs
    curves = {
        "train/loss": train,
        "val/loss": val,
        "train/acc": 1 - 0.4 * np.exp(-epochs / 8),
        "val/acc": 0.92 - 0.35 * np.exp(-epochs / 6),
    }
    of_epochs = {name: (epochs.tolist(), values.tolist()) for name, values in curves.items()}
    figure = draw_curves(of_epochs, loss_units="nats", best_epoch=int(val.argmin()))
    assert figure is not None  # noqa: S101
    return figure


def _save(figure: Figure, name: str) -> None:
    Image.fromarray(to_image(figure)).save(_FOLDER / f"reading_{name}.png", optimize=True)


if __name__ == "__main__":
    main()
