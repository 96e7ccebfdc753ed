"""Other data for a trained model: its columns become the model's features, and nothing is fitted anew."""

import logging
from dataclasses import replace
from typing import Any

import numpy as np

from perceptron.data.number_table import as_table
from perceptron.data.offsets import added, subtracted
from perceptron.data.table import Table, TableSchema
from perceptron.errors import UsageError
from perceptron.tasks import REGRESSION

log = logging.getLogger(__name__)


def conform(table: Table, frame: Any, known: TableSchema) -> Table:
    """The table with a model's features, in the model's order and by its codes.

    Args:
        table: with the model's labels, see ``as_table``.
        frame: DataFrame of its columns of any kind; None if they are the table's features.
        known: schema of the model.

    Raises:
        UsageError: if a column is missing, or holds what the model's cannot.
    """
    found, n_targets = table.schema.feature_names, len(table.schema.target_names)
    if n_targets != len(known.target_names):
        raise UsageError(
            f"the data must have the model's {len(known.target_names)} targets, got {n_targets}; choose other data"
        )
    if known.encoding:
        import pandas as pd

        from perceptron.data.columns.encoding import encode, from_texts
        from perceptron.data.columns.unseen_values import UnseenValues

        values = added(table.features, table.schema.feature_offsets)
        columns = pd.DataFrame(values, columns=list(found)) if frame is None else frame
        unseen = UnseenValues()
        encoded = encode(columns, from_texts(known.encoding), unseen=unseen)
        features = subtracted(encoded, known.feature_offsets)
        for line in unseen.lines:
            log.warning("%s", line)
    elif frame is not None:
        missing = [name for name in known.feature_names if name not in frame.columns]
        if missing:
            raise UsageError(
                f"every column that the model was trained on must be there, got none named {missing[0]}; add it"
            )
        columns = frame[list(known.feature_names)]
        features = as_table((columns, np.zeros(len(columns))), task="regression", known=known).features
    else:
        features = table.features
        if len(found) != known.n_features:
            raise UsageError(
                f"the data must have the model's {known.n_features} features, got {len(found)}; choose other data"
            )
    is_raw_regression = frame is not None and known.task == REGRESSION.name
    target = subtracted(table.target, known.target_offsets) if is_raw_regression else table.target
    return replace(table, features=features, target=target, schema=known)
