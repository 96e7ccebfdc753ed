"""A model evaluated at other weights than its own: along the path of its training and around the trained weights."""

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

# Rows times weights of one loss. Some thousand losses are computed: with more values each they would take seconds.
_MOST_VALUES = 4_000_000
_FEWEST_ROWS = 256
_MOST_BOUNDARIES = 6


@dataclass(frozen=True, kw_only=True)
class TrainingPath:
    """How the weights of a model were reached; empty for a checkpoint that is only evaluated.

    Attributes:
        curves: values of each metric by epoch.
        snapshots: flattened weights ``(n_weights,)`` by the number of epochs trained.
        best_epoch: epoch, from 0, after which the model had its present weights; None for the last.
        seed: of the random directions.
    """

    curves: Mapping[str, Curve] = field(default_factory=dict)
    snapshots: Mapping[int, Tensor] = field(default_factory=dict)
    best_epoch: int | None = None
    seed: int = 0


def path_of(model: TaskModule, training: TrainingPath) -> tuple[list[int], Floats, int]:
    """The snapshots of training, with the model's present weights among them.

    Returns:
        Epochs trained at each snapshot; weights ``(n_snapshots, n_weights)``; and the number of snapshots up to the
        model's present weights, these included.
    """
    own = weights_of(model)
    at = max(training.snapshots, default=0) if training.best_epoch is None else training.best_epoch + 1
    by_epoch = {n: weights.numpy().astype(np.float64) for n, weights in training.snapshots.items()} | {at: own}
    epochs = sorted(by_epoch)
    return epochs, np.stack([by_epoch[n] for n in epochs]), epochs.index(at) + 1


def surfaces_of(
    model: TaskModule, features: Tensor, target: Tensor, training: TrainingPath
) -> tuple[list[Surface], int]:
    """The loss on the plane of the training's path, if there is one, and on a random plane.

    Args:
        model: a trained model.
        features: ``(n_rows, n_features)`` without their offsets.
        target: as the data module yields it.
        training: the model's path.

    Returns:
        The surfaces, and the number of rows that the loss was computed on.
    """
    parts = [parameter.detach().double().cpu().numpy() for parameter in model.parameters()]
    n_weights = sum(part.size for part in parts)
    n_rows = min(len(features), max(_FEWEST_ROWS, _MOST_VALUES // n_weights))
    # Spread over the table, whose rows may be sorted by class.
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


def boundaries_of(model: TaskModule, features: Floats, training: TrainingPath) -> list[Boundary]:
    """Predictions on a grid over two features at up to six times, the first ones close together.

    Args:
        model: a trained classifier.
        features: ``(n_rows, 2)`` without their offsets; the grid covers them.
        training: the model's path.
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
    """All weights flattened, ``(n_weights,)`` float64, in the order of ``model.parameters()``."""
    parts = [parameter.detach().double().cpu().numpy().ravel() for parameter in model.parameters()]
    return np.concatenate(parts)


def _parameters_at(model: TaskModule, weights: Floats) -> dict[str, Tensor]:
    """Parameters by name, as views of flattened weights."""
    flat = torch.from_numpy(weights).to(model.device, next(model.parameters()).dtype)
    parameters, start = {}, 0
    for name, parameter in model.named_parameters():
        parameters[name] = flat[start : start + parameter.numel()].view(parameter.shape)
        start += parameter.numel()
    return parameters


class _LossAt:
    """The reported mean loss on rows at any weights; the model itself does not change."""

    def __init__(self, model: TaskModule, features: Tensor, target: Tensor) -> None:
        self.model = model.eval()
        self.features, self.target = features.to(model.device), target.to(model.device)

    def __call__(self, weights: Floats) -> float:
        with torch.no_grad():
            outputs = functional_call(self.model, _parameters_at(self.model, weights), (self.features,))
            return self.model.loss_in_units(self.model.row_losses(outputs, self.target).mean()).item()


class _ProbabilitiesAt:
    """Class probabilities at points, ``(n_points, n_classes)``, at any weights."""

    def __init__(self, model: TaskModule, points: Tensor) -> None:
        self.model = model.eval()
        self.points = points.to(model.device)

    def __call__(self, weights: Floats) -> Floats:
        # functional_call does not reach predict, so the weights are exchanged and restored.
        own = {name: parameter.detach().clone() for name, parameter in self.model.named_parameters()}
        try:
            self._put(_parameters_at(self.model, weights))
            with torch.no_grad():
                probabilities = self.model.predict(self.points).probabilities
        finally:
            self._put(own)
        if probabilities is None:
            raise TypeError(f"{type(self.model).__name__} has no probabilities and therefore no decision boundary")
        return probabilities.float().cpu().numpy()

    def _put(self, parameters: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(parameters[name])
