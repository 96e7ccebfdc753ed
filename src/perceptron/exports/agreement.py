"""Comparison of an exported model with the original."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from perceptron.errors import UsageError
from perceptron.models import Answers, Regressor

# In probabilities, or in standard deviations of the target.
TOLERANCE = 1e-5


def output_names(answers: Answers, row: Tensor) -> tuple[str, ...]:
    """Names of the outputs in order, found by a prediction for one row."""
    numbers = tuple(expected(answers, row))
    return numbers if "values" in numbers else ("label", *numbers)


def example(n_features: int) -> Tensor:
    """Rows for the export: two, because torch treats a batch size of one as a constant."""
    return torch.zeros(2, n_features, dtype=torch.float64)


def expected(answers: Answers, rows: Tensor) -> dict[str, npt.NDArray[np.floating]]:
    """The original model's probabilities or values, and the spread of an ensemble, by name."""
    with torch.inference_mode():
        labels, probabilities, spread = answers.predict(rows)
    numbers = {"values": labels} if probabilities is None else {"probabilities": probabilities}
    if spread is not None:
        numbers["spread"] = spread
    return {name: values.numpy() for name, values in numbers.items()}


def learnt_deviation(answers: Answers, features: npt.NDArray[np.float64]) -> npt.NDArray[np.floating] | None:
    """Standard deviation of each continuous target according to the model; None for classes.

    Args:
        answers: of the model.
        features: ``(n_rows, n_features)`` raw; the deviation of a model without standardisation is that of its
            predictions for them.
    """
    if not isinstance(answers.model, Regressor):
        return None
    scale: npt.NDArray[np.floating] = answers.model.standardize_target.scale.double().numpy()
    if (scale != 1).any():
        return scale
    deviation = expected(answers, torch.from_numpy(features))["values"].std(axis=0)
    return np.where(deviation > 0, deviation, 1.0)


def check_agreement(
    answers: Answers,
    rows: Tensor,
    got: Mapping[str, npt.NDArray[np.floating]],
    *,
    deviation: npt.NDArray[np.floating] | None,
    by: str,
) -> float:
    """Compare an exported model's outputs with those of the original.

    A regression's values and spreads have units. Their differences are relative to the target's deviation, or to the
    distance of a value from the target's offset if that is larger, because float32 rounds relative to it.

    Args:
        answers: of the original model.
        rows: ``(n_rows, n_features)`` float64, raw.
        got: outputs of the exported model for them, by name.
        deviation: ``(n_targets,)`` standard deviation of the targets, above 0; None for classes.
        by: name of the runtime that computed them.

    Returns:
        The largest difference.

    Raises:
        UsageError: if it is above ``TOLERANCE``.
    """
    wanted = expected(answers, rows)
    unit: npt.NDArray[np.floating] | float = 1.0
    if deviation is not None:
        unit = np.maximum(np.abs(wanted["values"] - answers.target_offsets.numpy()), deviation)
    largest = 0.0
    for name, values in wanted.items():
        difference = np.abs(values - got[name]) / unit
        # A non-finite number must fail, too.
        largest = max(largest, float(np.nan_to_num(difference, nan=np.inf).max()))
    if largest > TOLERANCE:
        raise UsageError(
            f"an exported model must agree with the model within {TOLERANCE}"
            f"{'' if deviation is None else ' deviations of the target'}, got {largest:.2e} in {by}; nothing was "
            "written: install the versions in constraints.txt"
        )
    return largest
