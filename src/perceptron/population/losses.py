"""Losses of the rows of many models, with hand-written gradients: autograd takes twice as long (measured)."""

from collections.abc import Callable

import torch
from torch import Tensor

from perceptron.models import BinaryClassifier, MulticlassClassifier, Regressor, TaskModule


def losses_and_gradients(model: TaskModule, outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """``model.row_losses``, and the gradient of each loss with respect to the outputs of its row.

    Args:
        model: of one of the classes in ``MODELS``.
        outputs: ``(m, batch, n_outputs)``; of networks that are ensembles, each of whose members has its own loss,
            ``(m, batch, members, n_outputs)``.
        target: ``(m, batch, ...)``.

    Returns:
        Losses ``(m, batch)`` and gradients of the shape of the outputs, newly allocated.
    """
    with torch.no_grad():
        if outputs.ndim == 3:
            return _BY_HAND[type(model)](model, outputs, target)
        count = outputs.shape[2]
        losses, gradients = _BY_HAND[type(model)](model, outputs.flatten(1, 2), target.repeat_interleave(count, dim=1))
        return losses.view(*outputs.shape[:3]).mean(dim=2), gradients.view(outputs.shape).div_(count)


def mean_answers(model: TaskModule, outputs: Tensor) -> Tensor:
    """Outputs ``(m, batch, n_outputs)`` that are evaluated: of ensembles, those of the mean answer of their members."""
    if outputs.ndim == 3:
        return outputs
    return model.mean_of_members(outputs.flatten(0, 1)).view(*outputs.shape[:2], -1)


def _multiclass(model: TaskModule, outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy; its gradient is the probabilities minus the target's, which ``label_smoothing`` spreads."""
    assert isinstance(model, MulticlassClassifier)  # noqa: S101
    smoothing = model.label_smoothing
    # Classes in the second dimension, as stacked layers return them: ten times as fast as ten classes in the last one.
    of_class, target = outputs.transpose(1, 2).log_softmax(dim=1), target.unsqueeze(1)
    losses = of_class.gather(1, target).squeeze(1).neg_()
    if smoothing:
        losses.mul_(1 - smoothing).sub_(of_class.mean(dim=1), alpha=smoothing)
    gradients = of_class.exp_()
    gradients.scatter_add_(1, target, gradients.new_tensor(smoothing - 1).expand(target.shape))
    if smoothing:
        gradients.sub_(smoothing / gradients.shape[1])
    return losses, gradients.transpose(1, 2)


def _binary(model: TaskModule, outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Binary cross-entropy; its gradient is the probability minus the target."""
    losses = model.row_losses(outputs, target)
    return losses, outputs.sigmoid().sub_(target.unsqueeze(-1))


def _regression(model: TaskModule, outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Mean squared error; its gradient is twice the error divided by the number of targets."""
    assert isinstance(model, Regressor)  # noqa: S101
    errors: Tensor = outputs - model.standardize_target(target)
    losses = errors.square().mean(dim=-1)
    return losses, errors.mul_(2 / errors.shape[-1])


_BY_HAND: dict[type[TaskModule], Callable[[TaskModule, Tensor, Tensor], tuple[Tensor, Tensor]]] = {
    BinaryClassifier: _binary,
    MulticlassClassifier: _multiclass,
    Regressor: _regression,
}
# The models that a population trains.
MODELS = tuple(_BY_HAND)
