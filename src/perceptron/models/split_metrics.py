"""Loss and metrics of the rows of one split."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torchmetrics import MeanMetric, Metric, MetricCollection

from perceptron.errors import UsageError, reason
from perceptron.metrics.all_rows import AllRowsMetric
from perceptron.tasks import TASKS, SplitName

# The order in which metrics are reported; others stand behind them.
_ORDER = list(dict.fromkeys(name for task in TASKS.values() for name in task.metrics))


class SplitMetrics(nn.Module):
    """Loss and metrics of a split, over the batches of an evaluation and over all processes.

    Args:
        split: its name, which becomes the prefix of the names.
        metrics: as in ``TaskModule``; they are cloned.
        keeps_rows: whether to keep outputs and target of every row too.
    """

    def __init__(self, split: SplitName, metrics: MetricCollection, *, keeps_rows: bool = False) -> None:
        super().__init__()
        self.split = split
        # A non-finite loss must not be left out of the mean.
        self.loss = MeanMetric(nan_strategy="disable")
        self.metrics = metrics.clone(prefix=f"{split}/")
        self.rows = Rows() if keeps_rows else None

    def update(self, losses: Tensor, predictions: Tensor, target: Tensor, outputs: Tensor) -> None:
        """Add a batch.

        Args:
            losses: ``(batch,)``.
            predictions: as ``TaskModule.predictions`` gives them.
            target: ``(batch,)`` or ``(batch, n_targets)``.
            outputs: of the network, ``(batch, n_outputs)``.

        Raises:
            UsageError: naming the metric that cannot be updated with them.
        """
        # torchmetrics forgets a metric's dtype when the module is moved, and a mean casts its values to it.
        if losses.dtype == torch.float64 != self.loss.dtype:
            self.loss.set_dtype(torch.float64)
        self.loss.update(losses)
        count(self.metrics, predictions, target)
        if self.rows is not None:
            self.rows.update(outputs, target)

    def compute(self, loss_in_units: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
        """Values by name, such as ``val/acc``; where the loss is NaN, so are all others.

        Args:
            loss_in_units: of a mean loss.
        """
        loss = loss_in_units(self.loss.compute())
        return in_order({f"{self.split}/loss": loss} | numbers(self.metrics, loss=loss))

    def reset(self) -> None:
        """Forget all batches."""
        for metric in (self.loss, self.metrics, self.rows):
            if metric is not None:
                metric.reset()


class Rows(AllRowsMetric):
    """Outputs and target of every row, of all processes."""

    def compute(self) -> tuple[Tensor, Tensor]:
        """All of them."""
        return self.rows()


def joined(of_task: MetricCollection | None, own: MetricCollection | None) -> MetricCollection:
    """One collection of the task's metrics and a copy of the others."""
    metrics: dict[str, Metric] = {}
    for some in (of_task, None if own is None else own.clone()):
        metrics |= {} if some is None else dict(some.items(copy_state=False))
    return MetricCollection(metrics, compute_groups=False)  # type: ignore[arg-type]


def label_from(metrics: MetricCollection, threshold: float, dtype: torch.dtype) -> None:
    """Set the threshold of metrics so that they label a row 1 at it, as models do; torchmetrics labels it 1 above.

    Args:
        metrics: of two classes.
        threshold: of the model.
        dtype: of the network's outputs.
    """
    dtype = torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype
    below = torch.nextafter(torch.tensor(threshold, dtype=dtype), torch.tensor(-torch.inf, dtype=dtype)).item()
    for metric in metrics.values(copy_state=False):
        if hasattr(metric, "threshold"):
            metric.threshold = below


def metric_inputs(predictions: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs of a metric's ``update``: in single precision or more, a single target without its dimension."""
    if predictions.dtype in (torch.float16, torch.bfloat16):
        predictions = predictions.float()
    if predictions.ndim == 2 and predictions.shape[1] == 1:
        return predictions.squeeze(1), target.squeeze(1)
    return predictions, target


def count(metrics: MetricCollection, predictions: Tensor, target: Tensor) -> None:
    """Update each metric of a collection.

    Raises:
        UsageError: naming the metric that cannot be updated with these rows.
    """
    inputs = metric_inputs(predictions, target)
    for name, metric in metrics.items(copy_state=False):
        with _named_failure(name):
            metric.update(*inputs)


def numbers(metrics: MetricCollection, *, loss: Tensor) -> dict[str, Tensor]:
    """Values of a collection; all NaN where the loss is.

    torchmetrics takes predictions with a NaN among them for logits, and would report what looks like a result.

    Raises:
        UsageError: naming the metric that cannot be computed of its rows, such as R2Score of a single row.
    """
    if not len(metrics):
        return {}
    for name, metric in metrics.items(copy_state=False):
        with _named_failure(name):
            # It keeps its value for the collection.
            metric.compute()
    found = {name: number(value) for name, value in metrics.compute().items()}
    return {name: torch.full_like(value, torch.nan) for name, value in found.items()} if loss.isnan() else found


def number(value: Tensor | tuple[Tensor, ...]) -> Tensor:
    """The number that stands for a metric's value.

    Of a value for each target the mean; of torchmetrics' pairs of a value and the threshold at which it is reached,
    such as ``SpecificityAtSensitivity``'s, the value.
    """
    first = value[0] if isinstance(value, tuple) else value
    # Whole numbers, such as counts, have no NaN.
    first = first if first.is_floating_point() else first.float()
    return first.float().mean() if first.ndim else first


@contextmanager
def _named_failure(name: str) -> Iterator[None]:
    """Name a metric that fails in one line. A user's metric is tried before training, but on other rows."""
    try:
        yield
    except Exception as error:
        split, _, own = name.rpartition("/")
        raise UsageError(
            f"metrics.{own} must be computable on the {split or 'evaluated'} rows, got "
            f"{type(error).__name__}: {reason(error, lines=1)}; change metrics.{own} or leave it out"
        ) from error


def in_order(values: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same, in the order of ``perceptron.tasks``."""
    places = {name: place for place, name in enumerate(_ORDER)}
    return dict(sorted(values.items(), key=lambda item: places.get(item[0].rpartition("/")[2], len(places))))
