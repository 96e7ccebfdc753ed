"""The figures of a run, in its folder and on TensorBoard. Imports matplotlib."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from lightning.pytorch.loggers import Logger, TensorBoardLogger
from torch import nn

from perceptron.data import TableDataModule
from perceptron.figures.drawing_process import DrawingProcess
from perceptron.figures.predictions import MOST_ROWS, SplitPredictions, predict_split
from perceptron.figures.training_path import TrainingPath, boundaries_of, surfaces_of
from perceptron.figures.writing import Drawing, Picture, drawn, write_animation, written
from perceptron.models import TaskModule
from perceptron.plots.boundary import draw_boundaries
from perceptron.plots.calibration import draw_calibration, reliability
from perceptron.plots.confusion import confusion_counts, draw_confusion
from perceptron.plots.curves import Curve, draw_curves
from perceptron.plots.discrimination import discriminate, draw_discrimination
from perceptron.plots.image import Pixels, to_image
from perceptron.plots.mistakes import draw_mistakes, image_shape, surest_mistakes
from perceptron.plots.probabilities import counts_by_class, draw_probabilities
from perceptron.plots.residuals import draw_residuals
from perceptron.plots.style import shown
from perceptron.plots.surface import draw_surfaces
from perceptron.plots.weights import draw_coefficients, draw_weight_images
from perceptron.runs.trackers import log_tracked_image
from perceptron.tasks import SplitName


def write_figures(
    folder: Path,
    loggers: Sequence[Logger],
    model: TaskModule,
    datamodule: TableDataModule,
    *,
    split: SplitName,
    training: TrainingPath,
    step: int,
    helper: DrawingProcess | None = None,
) -> None:
    """Draw all figures that the model and the data have; write them to the run's folder and to TensorBoard.

    Args:
        folder: the run's folder; the figures go to ``figures/<name>.png`` and ``.svg``.
        loggers: of the run; those of TensorBoard get images.
        model: the trained model.
        datamodule: its data.
        split: whose rows are predicted.
        training: how the weights were reached.
        step: of the images on TensorBoard.
        helper: draws figures at the same time as this process.
    """
    predictions = predict_split(model, datamodule, split)
    # The loss surface takes longest to compute: the helper draws the others meanwhile.
    drawings = [
        *_prediction_drawings(predictions, model),
        *weight_drawings(model, datamodule),
        *_training_drawings(model, datamodule, training),
    ]
    for name, pixels in written(drawings, folder, helper=helper):
        _log_image(loggers, f"figures/{name}", pixels, step)
    if _has_boundary(datamodule):
        write_animation("decision_boundary", lambda: _boundary_pictures(model, datamodule, training, panels=1), folder)


def write_curves(
    folder: Path, loggers: Sequence[Logger], curves: Mapping[str, Curve], *, best_epoch: int | None, step: int
) -> None:
    """Draw the curves alone, of a model or data of which nothing else is known; see ``write_figures``."""
    drawings: list[Drawing] = [
        ("curves", lambda: partial(draw_curves, curves, loss_units="as logged", best_epoch=best_epoch)),
    ]
    for name, pixels in written(drawings, folder):
        _log_image(loggers, f"figures/{name}", pixels, step)


def log_epoch_figures(
    loggers: Sequence[Logger], model: TaskModule, predictions: SplitPredictions, *, step: int
) -> None:
    """Log the figures of predictions after an epoch to TensorBoard."""
    for name, figure in drawn(_prediction_drawings(predictions, model)):
        _log_image(loggers, f"epochs/{name}", to_image(figure), step)


def _log_image(loggers: Sequence[Logger], name: str, pixels: Pixels, step: int) -> None:
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.experiment.add_image(name, pixels, step, dataformats="HWC")
        else:
            log_tracked_image(logger, name, pixels, step)


def _training_drawings(model: TaskModule, datamodule: TableDataModule, training: TrainingPath) -> list[Drawing]:
    """Curves, the loss surface with the path of the descent, and for two features the decision boundary."""
    schema = datamodule.schema
    units = loss_units(schema.target_names, is_regression=not schema.class_names)
    drawings: list[Drawing] = [
        ("curves", lambda: partial(draw_curves, training.curves, loss_units=units, best_epoch=training.best_epoch)),
    ]
    features, target = datamodule.rows("train", most=MOST_ROWS)[:2]
    if sum(parameter.numel() for parameter in model.parameters()) > 1 and len(features) > 1:

        def surface() -> Picture:
            surfaces, n_rows = surfaces_of(model, features, target, training)
            some = "training rows" if n_rows == len(features) else f"{n_rows} training rows"
            return partial(draw_surfaces, surfaces, loss_units=units, rows=some)

        drawings.append(("loss_surface", surface))
    if _has_boundary(datamodule):
        drawings.append(("decision_boundary", lambda: next(_boundary_pictures(model, datamodule, training))))
    return drawings


def _has_boundary(datamodule: TableDataModule) -> bool:
    """Whether the decision boundary can be drawn: two features and classes."""
    return datamodule.schema.n_features == 2 and bool(datamodule.schema.class_names)


def _boundary_pictures(
    model: TaskModule, datamodule: TableDataModule, training: TrainingPath, *, panels: int | None = None
) -> Iterator[Picture]:
    """The decision boundary through training.

    Args:
        model: the trained model.
        datamodule: its data.
        training: how the weights were reached.
        panels: how many times a figure shows; None for all in one figure.
    """
    schema = datamodule.schema
    features, target = datamodule.rows("train", most=MOST_ROWS)[:2]
    boundaries = boundaries_of(model, features.numpy(), training)
    for start in range(0, len(boundaries), panels or len(boundaries)):
        yield partial(
            draw_boundaries,
            boundaries[start : start + (panels or len(boundaries))],
            features.numpy(),
            target.numpy(),
            offsets=schema.feature_offsets,
            feature_names=schema.feature_names,
            class_names=schema.class_names,
            threshold=getattr(model, "threshold", None),
            rows="training rows",
        )


def _prediction_drawings(predictions: SplitPredictions, model: TaskModule) -> list[Drawing]:
    """Predictions for rows, compared with their targets."""
    schema, rows, labels, target = predictions.schema, predictions.rows, predictions.labels, predictions.target
    if len(target) < 2:
        return []
    if predictions.probabilities is None:

        def of_target(i: int) -> Picture:
            return partial(draw_residuals, labels[:, i], target[:, i], name=schema.target_names[i], rows=rows)

        if len(schema.target_names) == 1:
            return [("residuals", lambda: of_target(0))]
        return [(f"residuals_{i}", lambda i=i: of_target(i)) for i in range(len(schema.target_names))]  # type: ignore[misc]

    probabilities, names = predictions.probabilities, schema.class_names
    two = len(names) == 2
    counts = confusion_counts(target, labels, n_classes=len(names))

    def discrimination() -> Picture | None:
        found = discriminate(probabilities, target)
        return partial(draw_discrimination, found, names, rows=rows) if found else None

    def mistakes() -> Picture | None:
        found = surest_mistakes(probabilities, target, labels)
        if not found:
            return None
        shape, wrong = image_shape(schema.feature_names), [mistake.position for mistake in found]
        return partial(
            draw_mistakes,
            [replace(mistake, position=place) for place, mistake in enumerate(found)],
            names,
            row_numbers=predictions.row_numbers[wrong],
            images=None if shape is None else predictions.features[wrong].reshape(-1, *shape),
            n_wrong=int((labels != target).sum()),
            rows=rows,
        )

    threshold = getattr(model, "threshold", None)
    return [
        ("confusion", lambda: partial(draw_confusion, counts, names, rows=rows)),
        ("discrimination", discrimination),
        (
            "calibration",
            lambda: partial(
                draw_calibration,
                reliability(probabilities, target),
                positive=shown(names[1]) if two else None,
                rows=rows,
            ),
        ),
        (
            "probabilities",
            lambda: partial(
                draw_probabilities, counts_by_class(probabilities, target), names, threshold=threshold, rows=rows
            ),
        ),
        ("mistakes", mistakes),
    ]


def weight_drawings(model: TaskModule, datamodule: TableDataModule) -> list[Drawing]:
    """The weights of the first layer for images, or the coefficients of a linear model."""
    schema = datamodule.schema
    layers = [layer for layer in model.network.modules() if not list(layer.children())]
    first = layers[0]
    if not isinstance(first, nn.Linear) or first.in_features != schema.n_features:
        return []
    weights = first.weight.detach().float().cpu().numpy()
    is_linear = len(layers) == 1
    outputs = schema.class_names or schema.target_names
    if len(weights) == 1 and schema.class_names:
        outputs = outputs[1:]
    shape = image_shape(schema.feature_names)
    if shape is not None:
        units = outputs if is_linear else [f"unit {i}" for i in range(len(weights))]
        return [("weights", lambda: partial(draw_weight_images, weights, shape, units))]
    if not is_linear:
        return []
    said = "log-odds" if schema.class_names else "deviations of the target"
    return [("coefficients", lambda: partial(draw_coefficients, weights, schema.feature_names, outputs, units=said))]


def loss_units(target_names: Sequence[str], *, is_regression: bool) -> str:
    """Units of the loss: a cross-entropy is in nats, a squared error in the square of the target's units."""
    if not is_regression:
        return "nats"
    return f"{shown(target_names[0])}²" if len(target_names) == 1 else "targets²"
