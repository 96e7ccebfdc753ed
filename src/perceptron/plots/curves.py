"""Loss and metrics over the epochs."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron.plots.style import BLUE, COLOURS, GREY, ORANGE, panels
from perceptron.tasks import TASKS

# Epochs, from 0, and the value after each.
Curve = tuple[Sequence[int], Sequence[float]]

_COLOURS = {"train": BLUE, "val": ORANGE}
_LINES = {"train": "--", "val": "-"}
_SPLITS = {"train": "training", "val": "validation"}
# The metrics that share an axis, with its label; each other metric has its own.
_PANELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("loss", ("loss",)),
    ("share", ("acc", "balanced_acc", "auroc", "average_precision", "f1")),
    # A tenth of the shares, among which it would be a flat line.
    ("expected calibration error", ("ece",)),
    ("error, in the target's units", ("rmse", "mae")),
    ("R²", ("r2",)),
)
# A loss whose values have a larger ratio is drawn on a logarithmic axis.
_WIDE = 50.0
# A wider image can neither be read nor be written.
_MOST_PANELS = 20


def draw_curves(curves: Mapping[str, Curve], *, loss_units: str, best_epoch: int | None = None) -> Figure | None:
    """Draw a panel for the loss and one for each kind of metric, with training and validation together.

    Args:
        curves: by names like ``val/acc``.
        loss_units: units of the loss.
        best_epoch: epoch whose weights were kept.

    Returns:
        None if there is no curve to draw.
    """
    drawn = []
    reported = {metric for task in TASKS.values() for metric in task.metrics}
    others = [metric for name in curves if (metric := name.partition("/")[2]) not in reported]
    for label, metrics in (*_PANELS, *((metric, (metric,)) for metric in dict.fromkeys(others))):
        names = [f"{split}/{metric}" for metric in metrics for split in _SPLITS if f"{split}/{metric}" in curves]
        if names:
            drawn.append((f"loss [{loss_units}]" if label == "loss" else label, names))
    if not drawn:
        return None
    n_all, drawn = len(drawn), drawn[:_MOST_PANELS]
    figure, all_axes = panels(len(drawn))
    for axes, (label, names) in zip(all_axes, drawn, strict=True):
        _draw_panel(axes, label, {name: curves[name] for name in names}, best_epoch)
    n_epochs = max(epochs[-1] for epochs, _ in curves.values() if epochs) + 1
    some = "Loss and metrics" if len(drawn) == n_all else f"{len(drawn)} of {n_all} metrics"
    figure.suptitle(f"{some} over {n_epochs} {'epoch' if n_epochs == 1 else 'epochs'}")
    return figure


def _draw_panel(axes: Axes, label: str, curves: Mapping[str, Curve], best_epoch: int | None) -> None:
    metrics = list(dict.fromkeys(name.partition("/")[2] for name in curves))
    several = len(metrics) > 1
    for name, (epochs, values) in curves.items():
        split, _, metric = name.partition("/")
        axes.plot(
            epochs,
            values,
            color=COLOURS[metrics.index(metric) % len(COLOURS)] if several else _COLOURS[split],
            linestyle=_LINES[split] if several else "-",
            # A line through one point does not show.
            marker="o" if len(epochs) < 3 else None,
            label=f"{metric}, {_SPLITS[split]}" if several else _SPLITS[split],
        )
    if best_epoch is not None:
        axes.axvline(best_epoch, color=GREY, linestyle=":", label=f"kept: epoch {best_epoch}")
    values = [value for _, of_curve in curves.values() for value in of_curve if value == value]
    if label.startswith("loss") and values and min(values) > 0 and max(values) > _WIDE * min(values):
        axes.set_yscale("log")
    axes.set(xlabel="epoch", ylabel=label)
    axes.legend(fontsize="small")
