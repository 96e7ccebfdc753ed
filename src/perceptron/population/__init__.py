"""Many models trained side by side, each as it would have been alone."""

from perceptron.population.callback_rules import check_callback
from perceptron.population.fit import PopulationFit, fit_population, members_that_fit
from perceptron.population.lightning_module import Population
from perceptron.population.losses import MODELS
from perceptron.population.member import Entries, Epoch, Member
from perceptron.population.optimizer_choice import check_optimizer
from perceptron.population.stacking import CannotStackError, check_stack, stack_networks

__all__ = [
    "MODELS",
    "CannotStackError",
    "Entries",
    "Epoch",
    "Member",
    "Population",
    "PopulationFit",
    "check_callback",
    "check_optimizer",
    "check_stack",
    "fit_population",
    "members_that_fit",
    "stack_networks",
]
