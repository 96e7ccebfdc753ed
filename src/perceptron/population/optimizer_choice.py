"""Which optimizers many models can have as one, and by which class."""

from collections.abc import Sequence

from torch import nn
from torch.optim import (
    ASGD,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    NAdam,
    Optimizer,
    RAdam,
    RMSprop,
    Rprop,
)

from perceptron.population.sliced_optimizer import SlicedOptimizer
from perceptron.population.stacked_optimizer import StackedOptimizer
from perceptron.population.stacked_optimizers import StackedAdam, StackedSGD
from perceptron.population.stacking import CannotStackError

# Others combine elements: Adafactor, LBFGS and Muon.
_ELEMENTWISE = (ASGD, SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, NAdam, RAdam, RMSprop, Rprop)
_STACKED: dict[type[Optimizer], type[StackedOptimizer]] = {SGD: StackedSGD, Adam: StackedAdam, AdamW: StackedAdam}
# What the classes of ``stacked_optimizers`` leave to torch's own.
_LEFT = ("amsgrad", "dampening", "maximize")


def check_optimizer(optimizer: Optimizer) -> None:
    """Refuse an optimizer whose stack would not be exact.

    Raises:
        CannotStackError: with the reason.
    """
    name = type(optimizer).__name__
    if type(optimizer) not in _ELEMENTWISE:
        raise CannotStackError(f"{name} has no stacked form; optimizers of torch.optim that combine no elements have")
    if len(optimizer.param_groups) > 1:
        raise CannotStackError("its optimizer has several parameter groups")


def stack_optimizers(parameters: Sequence[nn.Parameter], members: Sequence[Optimizer]) -> StackedOptimizer:
    """The members' optimizers, which ``check_optimizer`` has accepted, as one."""
    group = members[0].param_groups[0]
    kind = (
        SlicedOptimizer if any(group.get(name) for name in _LEFT) else _STACKED.get(type(members[0]), SlicedOptimizer)
    )
    return kind(parameters, members)
