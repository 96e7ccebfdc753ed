"""Choose the threshold of a binary classifier on rows that its weights were not trained on."""

import torch
from torch import Tensor

START = 0.5


def best_threshold(probabilities: Tensor, target: Tensor) -> float:
    """The threshold with the highest balanced accuracy, which is scikit-learn's default in TunedThresholdClassifierCV.

    Every labelling that a threshold can give is tried: those between two neighbouring probabilities, and 0.5. Of
    equally good ones it is the nearest to 0.5, so that 0.5 stays where nothing is better.

    Args:
        probabilities: ``(n_rows,)`` of class 1, float32 or float64.
        target: ``(n_rows,)`` int64, 0 or 1, both of them there.
    """
    found: Tensor = probabilities.unique()  # type: ignore[no-untyped-call]
    lower, upper = found[:-1], found[1:]
    between = (lower + upper) / 2
    # Between two floats that are neighbours there is none.
    between = torch.where(between > lower, between, upper)
    candidates = torch.cat([between, between.new_tensor([START])])
    of_class = [probabilities[target == label].sort().values for label in (0, 1)]
    n_below = [torch.searchsorted(values, candidates) for values in of_class]
    # Twice the balanced accuracy times the rows of both classes: whole numbers, of which equal ones are equal.
    score = n_below[0] * len(of_class[1]) + (len(of_class[1]) - n_below[1]) * len(of_class[0])
    best = candidates[score == score.max()]
    return float(best[(best - START).abs().argmin()])
