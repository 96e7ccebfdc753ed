"""A model at other weights than its own: along its training, and around where it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from perceptron.models import TaskModule
from perceptron.plots.arrays import Floats
from perceptron.plots.boundary import Boundary, grid_of
from perceptron.plots.curves import Curve
from perceptron.plots.surface import Surface, loss_surface, principal_plane, random_plane
from perceptron.randomness import Stream, derive_seed

# Some thousand losses are computed; on more values (rows times weights) each they would take seconds.
_MOST_VALUES = 4_000_000
_FEWEST_ROWS = 256
_MOST_BOUNDARIES = 6


@dataclass(frozen=True, kw_only=True)
class Training:
    """What is known of how the weights came about; nothing where a checkpoint was only evaluated.

    Attributes:
        curves: metrics by epoch.
        snapshots: weights end to end, ``(n_weights,)``, by the number of epochs that led to them.
        best_epoch: the epoch, from 0, after which the model had the weights that it has; None for the last.
        seed: of the random directions.
    """

    curves: Mapping[str, Curve] = field(default_factory=dict)
    snapshots: Mapping[int, Tensor] = field(default_factory=dict)
    best_epoch: int | None = None
    seed: int = 0


def path_of(model: TaskModule, training: Training) -> tuple[list[int], Floats, int]:
    """Weights through training with the model's own among them.

    Returns:
        Number of epochs of each, weights ``(n_snapshots, n_weights)``, and how many lead to the model's own, the last
        of them being these.
    """
    own = weights_of(model)
    at = max(training.snapshots, default=0) if training.best_epoch is None else training.best_epoch + 1
    by_epoch = {n: weights.numpy().astype(np.float64) for n, weights in training.snapshots.items()} | {at: own}
    epochs = sorted(by_epoch)
    return epochs, np.stack([by_epoch[n] for n in epochs]), epochs.index(at) + 1


def surfaces_of(model: TaskModule, features: Tensor, target: Tensor, training: Training) -> tuple[list[Surface], int]:
    """The loss on the plane of the training's path, where there is one, and on a random plane.

    Args:
        model: trained.
        features: ``(n_rows, n_features)`` less their offsets.
        target: as the data module hands it out.
        training: its path.

    Returns:
        The surfaces, and on how many of the rows the loss was computed.
    """
    parts = [parameter.detach().double().cpu().numpy() for parameter in model.parameters()]
    n_weights = sum(part.size for part in parts)
    n_rows = min(len(features), max(_FEWEST_ROWS, _MOST_VALUES // n_weights))
    # Rows lie in the table's order, which may be by class.
    chosen = torch.linspace(0, len(features) - 1, n_rows).long()
    loss_of = _LossAt(model, features[chosen], target[chosen])
    surfaces = []
    _, path, n_to_trained = path_of(model, training)
    plane = principal_plane(path, weights_of(model))
    if plane is not None:
        surfaces.append(loss_surface(plane, loss_of, path=path, n_to_trained=n_to_trained))
    around = random_plane(parts, seed=derive_seed(training.seed, Stream.DIRECTIONS))
    surfaces.append(loss_surface(around, loss_of))
    return surfaces, n_rows


def boundaries_of(model: TaskModule, features: Floats, training: Training) -> list[Boundary]:
    """Answers on a grid over two features at up to six times, the first soon after one another.

    Args:
        model: a trained classifier.
        features: ``(n_rows, 2)`` less their offsets, over which the grid lies.
        training: its path.
    """
    _, _, points = grid_of(features)
    epochs, path, n_to_trained = path_of(model, training)
    places = np.unique(np.geomspace(1, n_to_trained, _MOST_BOUNDARIES).round().astype(int)) - 1
    answers = _ProbabilitiesAt(model, torch.from_numpy(points))
    found = []
    for i in places:
        when = f"after {epochs[i]} {'epoch' if epochs[i] == 1 else 'epochs'}"
        if i == n_to_trained - 1:
            when = f"trained weights ({when})" if training.snapshots else "trained weights"
        found.append(Boundary(when=when, probabilities=answers(path[i])))
    return found


def weights_of(model: TaskModule) -> Floats:
    """All weights end to end, ``(n_weights,)`` float64, in the order of ``model.parameters()``."""
    parts = [parameter.detach().double().cpu().numpy().ravel() for parameter in model.parameters()]
    return np.concatenate(parts)


def _parameters_at(model: TaskModule, weights: Floats) -> dict[str, Tensor]:
    """Parameters by name, as views of weights that lie end to end."""
    flat = torch.from_numpy(weights).to(model.device, next(model.parameters()).dtype)
    parameters, start = {}, 0
    for name, parameter in model.named_parameters():
        parameters[name] = flat[start : start + parameter.numel()].view(parameter.shape)
        start += parameter.numel()
    return parameters


class _LossAt:
    """Mean loss on rows, as it is reported, at any weights; the model itself stays as it is."""

    def __init__(self, model: TaskModule, features: Tensor, target: Tensor) -> None:
        self.model = model.eval()
        self.features, self.target = features.to(model.device), target.to(model.device)

    def __call__(self, weights: Floats) -> float:
        with torch.no_grad():
            outputs = functional_call(self.model, _parameters_at(self.model, weights), (self.features,))
            return self.model.loss_in_units(self.model.row_losses(outputs, self.target).mean()).item()


class _ProbabilitiesAt:
    """Probabilities of classes at points, ``(n_points, n_classes)``, at any weights."""

    def __init__(self, model: TaskModule, points: Tensor) -> None:
        self.model = model.eval()
        self.points = points.to(model.device)

    def __call__(self, weights: Floats) -> Floats:
        # predict calls the module itself, so the weights are put in and the old ones back.
        own = {name: parameter.detach().clone() for name, parameter in self.model.named_parameters()}
        try:
            self._put(_parameters_at(self.model, weights))
            with torch.no_grad():
                probabilities = self.model.predict(self.points).probabilities
        finally:
            self._put(own)
        if probabilities is None:
            raise TypeError(f"{type(self.model).__name__} gives no probabilities, so it has no decision boundary")
        return probabilities.float().cpu().numpy()

    def _put(self, parameters: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(parameters[name])
