"""The report of a table before training: types, missing values, class balance, and suspected leaks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from perceptron.data.columns.column_table import ColumnTable
from perceptron.data.columns.dates import advice_on_dates
from perceptron.data.columns.encoding import Code, encoded_names, from_texts
from perceptron.data.columns.kinds import kind_of
from perceptron.data.columns.missing_texts import as_setting
from perceptron.data.columns.number_texts import are_codes, first_leading_zero, mixed_number, unit_of
from perceptron.data.digest import digest
from perceptron.data.offsets import added
from perceptron.data.splits import Split
from perceptron.data.table import Table
from perceptron.tasks import REGRESSION

# Cross-validated score on training rows from which a single column is suspected to be a copy of the target.
_SUSPICIOUS = 0.99
_ROWS_LOOKED_AT = 2000
_COLUMNS_LOOKED_AT = 200
_FEW_ROWS = 30
_SMALL_CLASS = 0.1


def data_report(columns: ColumnTable, table: Table, split: Split) -> dict[str, Any]:
    """Plain values for a JSON file: rows and their digest, columns, target, splits, and ``warnings`` of a line each."""
    frame, target = columns.frame, columns.target
    codes = from_texts(table.schema.encoding)
    kinds = {code["column"]: code["kind"] for code in codes}
    described = [_column(frame[name], kinds.get(str(name)), split.train) for name in frame.columns]
    texts_of_all = frame.astype(str)
    copies = _copies(texts_of_all)
    hashes = pd.util.hash_pandas_object(texts_of_all, index=False).to_numpy()
    shared = {name: _shared_rows(hashes, split.train, split.rows(name)) for name in ("val", "test")}
    leaks = _leaks(table, codes, split.train)
    texts = [name for name in frame.columns if kinds.get(str(name)) == "category"]
    codes_of_digits = {
        name: first_leading_zero(frame[name].iloc[split.train]) for name in texts if are_codes(frame[name])
    }
    # Columns that are left out because all their texts differ can be spoilt, too.
    spoilt = {
        name: _spoilt(frame[name].iloc[split.train])
        for name in frame.columns
        if kinds.get(str(name)) in (None, "category")
    }
    spoilt_targets = [_spoilt(target[name], of_target=True) for name in target.columns if table.schema.class_names]
    numbers_as_dates = [code["column"] for code in codes if code.get("format") == "%Y%m%d"]
    warnings = [
        *(f"column {c['name']} does not vary over the training rows; it is left out" for c in described
          if c["kind"] == "constant"),
        *(f"column {c['name']} has no value that training rows share; it is left out" for c in described
          if c["kind"] == "all different" and not c["identifier"]),
        *(f"columns {a} and {b} are the same; leave one out" for a, b in copies),
        *(f"column {c['name']} looks like an identifier: {c['identifier']}; leave it out with data.exclude"
          for c in described if c["identifier"] and not spoilt.get(c["name"])),
        *(f"column {name} alone tells the target ({measure} {value:.3f} on rows held out); if it is not known when "
          "a prediction is made, it is a leak" for name, measure, value in leaks),
        *(f"{n} {name} {'row has' if n == 1 else 'rows have'} the same features as a training row; the metrics of "
          f"{name} rows flatter" for name, n in shared.items() if n),
        *(line for line in (*spoilt.values(), *spoilt_targets) if line),
        *(f"column {name} is read as dates, as 20260131 is one; type \"data.date_format={{'{name}': null}}\" if its "
          "values are numbers" for name in numbers_as_dates),
        *(f"column {name} is taken for categories because of leading zeros, as in {found!r}; write numbers without them"
          for name, found in codes_of_digits.items()),
        *(f"column {c['name']} misses {c['missing']} of {len(frame)} values" for c in described
          if c["missing"] > len(frame) / 2),
        *_imbalance(table, split),
    ]  # fmt: skip
    return {
        "rows": len(frame),
        # A later command compares it to detect changed data.
        "digest": digest(table, split),
        "columns": described,
        "target": _target(table),
        "splits": {name: len(split.rows(name)) for name in ("train", "val", "test")},
        "same_columns": [list(pair) for pair in copies],
        "rows_shared_with_training": shared,
        "suspected_leaks": [{"column": name, "measure": measure, "value": value} for name, measure, value in leaks],
        "warnings": warnings,
    }


def _spoilt(column: "pd.Series[Any]", *, of_target: bool = False) -> str | None:
    """Warning for categories most of which are numbers or dates; None for other columns."""
    what = (
        f"target {column.name} is taken for classes" if of_target else f"column {column.name} is taken for categories"
    )
    if found := mixed_number(column):
        row, text, count = found
        return (
            f"{what} because of {text!r} in row {row}, though {count} of {column.notna().sum()} values are numbers; "
            f"mend it, or set 'data.missing=[{as_setting(text)}]' if it means a missing value"
        )
    if of_target:
        return None
    if unit := unit_of(column):
        return f"{what} because of the unit {unit[2]}, as in {unit[1]!r} in row {unit[0]}; write numbers without it"
    return None if isinstance(column.dtype, pd.CategoricalDtype) else advice_on_dates(column)


def _column(column: "pd.Series[Any]", kind: str | None, train: npt.NDArray[np.int64]) -> dict[str, Any]:
    if kind is None:
        kind = "constant" if column.iloc[train].nunique() < 2 else "all different"
    return {
        "name": str(column.name),
        "type": str(column.dtype),
        "kind": kind,
        "missing": int(column.isna().sum()),
        "distinct": int(column.nunique()),
        "identifier": _identifier(column.iloc[train]),
    }


def _identifier(column: "pd.Series[Any]") -> str | None:
    """Why a column looks like an identifier; None if it does not."""
    known = column.dropna()
    if len(known) < _FEW_ROWS:
        return None
    distinct = known.nunique()
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        numbers = known.astype(float)
        whole = (numbers % 1 == 0).all()
        # Unlike a count of the rows, random whole numbers have gaps and repeats.
        dense = distinct == len(known) and numbers.max() - numbers.min() < 3 * len(known)
        return "whole numbers that count the rows" if whole and dense else None
    is_text = kind_of(column) == "category"
    return f"{distinct} different texts in {len(known)} rows" if is_text and distinct > 0.9 * len(known) else None


def _copies(texts: pd.DataFrame) -> list[tuple[str, str]]:
    """Pairs of names of columns with the same texts."""
    first: dict[int, str] = {}
    found = []
    for name in texts.columns:
        key = hash(pd.util.hash_pandas_object(texts[name], index=False).to_numpy().tobytes())
        if key in first:
            found.append((first[key], str(name)))
        first.setdefault(key, str(name))
    return found


def _shared_rows(hashes: npt.NDArray[Any], train: npt.NDArray[np.int64], others: npt.NDArray[np.int64]) -> int:
    """Number of other rows with the hash of a training row."""
    return int(np.isin(hashes[others], hashes[train]).sum())


def _leaks(table: Table, codes: Sequence[Code], train: npt.NDArray[np.int64]) -> list[tuple[str, str, float]]:
    """Columns from which alone a small tree predicts the target of held-out training rows."""
    rows = train[np.linspace(0, len(train) - 1, min(len(train), _ROWS_LOOKED_AT)).astype(int)]
    is_regression = table.schema.task == REGRESSION.name
    if len(rows) < _FEW_ROWS:
        return []
    target = table.target[rows]
    if is_regression:
        # Any column predicts a constant target.
        target = target[:, np.ptp(target, axis=0) > 0]
        if target.shape[1] == 0:
            return []
    elif (counts := np.bincount(target)).min() < 3 or len(counts) < 2:
        return []
    measure = "r2" if is_regression else "balanced_accuracy"
    tree = (DecisionTreeRegressor if is_regression else DecisionTreeClassifier)(max_leaf_nodes=64, random_state=0)
    folds = (KFold if is_regression else StratifiedKFold)(3, shuffle=True, random_state=0)
    found = []
    starts = np.cumsum([0, *(len(encoded_names([code])) for code in codes)])
    for code, start, end in list(zip(codes, starts[:-1], starts[1:], strict=True))[:_COLUMNS_LOOKED_AT]:
        value = float(cross_val_score(tree, table.features[rows, start:end], target, cv=folds, scoring=measure).mean())
        if value >= _SUSPICIOUS:
            found.append((str(code["column"]), measure, value))
    return found


def _target(table: Table) -> dict[str, Any]:
    schema = table.schema
    if schema.task == REGRESSION.name:
        return {
            "task": schema.task,
            "columns": {
                name: {"mean": float(values.mean()), "min": float(values.min()), "max": float(values.max())}
                for name, values in zip(schema.target_names, added(table.target, schema.target_offsets).T, strict=True)
            },
        }
    counts = np.bincount(table.target, minlength=len(schema.class_names))
    return {
        "task": schema.task,
        "classes": dict(zip(schema.class_names, (int(count) for count in counts), strict=True)),
    }


def _imbalance(table: Table, split: Split) -> list[str]:
    if table.schema.task == REGRESSION.name:
        return []
    names = table.schema.class_names
    trained = np.bincount(table.target[split.train], minlength=len(names))
    if not trained.all():
        unseen = [name for name, count in zip(names, trained, strict=True) if count == 0]
        more = f" and {len(unseen) - 1} more have" if len(unseen) > 1 else " has"
        return [f"class {unseen[0]}{more} no training row, so that no row is recognised as such"]
    counts = np.bincount(table.target, minlength=len(table.schema.class_names))
    rarest = int(counts.argmin())
    share = counts[rarest] / counts.sum()
    if share * len(counts) >= 2 * _SMALL_CLASS:
        return []
    return [
        f"class {table.schema.class_names[rarest]} has {counts[rarest]} of {counts.sum()} rows; accuracy says little, "
        "see average_precision and balanced_acc"
    ]
