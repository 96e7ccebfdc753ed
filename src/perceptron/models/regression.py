"""One or more continuous targets."""

from typing import Any

from torch import Tensor

from perceptron.models.evaluation import Prediction
from perceptron.models.standardize import Standardize
from perceptron.models.task_module import TaskModule
from perceptron.tasks import REGRESSION


class Regressor(TaskModule):
    """A value per target, trained with the squared error of standardised targets.

    What is reported is in the targets' units: the loss in their square.

    Args:
        standardize_target: the targets' standardisation, fitted on training rows.
        **settings: those of ``TaskModule``.
    """

    task = REGRESSION

    def __init__(self, *, standardize_target: Standardize, **settings: Any) -> None:
        super().__init__(**settings)
        self.standardize_target = standardize_target

    def row_losses(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Squared error of each row, mean over targets; both ``(..., n_rows, n_targets)``, the target in units."""
        errors: Tensor = outputs - self.standardize_target(target)
        return errors.square().mean(dim=-1)

    def mean_of_members(self, outputs: Tensor) -> Tensor:
        """The mean value."""
        return outputs.mean(dim=1)

    def loss_in_units(self, loss: Tensor) -> Tensor:
        """The loss in squared units; with several targets, in units of their mean variance."""
        return loss * self.standardize_target.scale.square().mean()

    def predictions(self, outputs: Tensor) -> Tensor:
        """Values in the targets' units."""
        return self.standardize_target.inverse(outputs)

    def correct(self, outputs: Tensor, target: Tensor) -> None:
        """None: values are no labels."""

    def answers(self, outputs: Tensor) -> Prediction:
        """Values ``(batch, n_targets)`` in the targets' units, less the targets' offsets."""
        return Prediction(self.standardize_target.inverse(outputs), None)

    def spread(self, outputs: Tensor, labels: Tensor) -> Tensor:  # noqa: ARG002
        """Of the values, in the targets' units."""
        return outputs.std(dim=1, correction=0) * self.standardize_target.scale
