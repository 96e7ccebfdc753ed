"""A table with its split, and the standardisation that is fitted on the training rows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perceptron.data.scaling import Scaling, Standardize, check_deviation, fit_scaling, report_scaled
from perceptron.data.splits import Split
from perceptron.data.table import RowNumbers, Table
from perceptron.errors import UsageError
from perceptron.tasks import REGRESSION


@dataclass(frozen=True)
class FittedTable:
    """A table, its split and its standardisation.

    Attributes:
        table: not standardised.
        split: its rows.
        features_scaling: mean and scale on training rows of the features less their offsets.
        target_scaling: the same of a continuous target; None for classes.
        target_deviation: standard deviation of each continuous target on training rows, 1 without variance; None for
            classes.
    """

    table: Table
    split: Split
    features_scaling: Scaling
    target_scaling: Scaling | None
    target_deviation: npt.NDArray[np.float64] | None


def fit_table(
    table: Table, split: Split, *, standardize: Standardize, measured: npt.NDArray[np.bool_] | None
) -> FittedTable:
    """Fit the standardisation of a table.

    Args:
        table: not standardised.
        split: its rows.
        standardize: ``per_feature``, ``global`` or ``none``, see ``fit_scaling``.
        measured: columns to be standardised; None for all.

    Raises:
        UsageError: where no training row has a weight, or a target varies too much or too little for float32.
    """
    schema, train = table.schema, split.train
    weights = _weights(table, train)
    scaling = fit_scaling(table.features, rows=train, how=standardize, weights=weights, offsets=schema.feature_offsets)
    scaling = scaling if measured is None else scaling.only(measured)
    if standardize != "per_feature":
        report_scaled(table.features, scaling, schema.feature_names)
    if schema.task != REGRESSION.name:
        return FittedTable(table, split, scaling, None, None)
    of_target: Standardize = "none" if standardize == "none" else "per_feature"
    target_scaling = fit_scaling(
        table.target, rows=train, how=of_target, weights=weights, offsets=schema.target_offsets
    )
    if of_target == "none":
        report_scaled(table.target, target_scaling, schema.target_names)
    deviation = fit_scaling(table.target, rows=train, how="per_feature").scale
    if table.target.dtype == np.float32:
        check_deviation(deviation, schema.target_names)
    return FittedTable(table, split, scaling, target_scaling, deviation)


def _weights(table: Table, train: RowNumbers) -> npt.NDArray[np.floating] | None:
    if table.weights is None:
        return None
    weights = table.weights[train]
    if not weights.any():
        raise UsageError(
            f"data.weight must be above 0 for a training row, got 0 for all {len(train)} of them; mend the column "
            "or choose other training rows"
        )
    return weights
