"""Columns far from zero for their spread keep their distinct values in float32, and a line says where they do not."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine

from perceptron.data import TableDataModule, as_table, table_from_arrays, table_from_files
from perceptron.data.blocks import is_mapped
from perceptron.data.columns.encoding import encode, from_texts
from perceptron.data.offsets import added, choose_offsets, subtracted

N_ROWS = 200


def far(shift: float = 1e9, n: int = N_ROWS) -> np.ndarray:
    """A column of spread 25 far from zero, and one near it."""
    random = np.random.default_rng(0)
    return np.column_stack([shift + random.normal(0, 25, n).round(3), random.normal(size=n)])


def labels(values: np.ndarray) -> np.ndarray:
    return (values[:, 0] > np.median(values[:, 0])).astype(int)


def standardised(data: TableDataModule) -> np.ndarray:
    scaling = data.features_scaling
    scaled: np.ndarray = (data.table.features - scaling.mean.astype(np.float32)) / scaling.scale.astype(np.float32)
    return scaled


def reference(data: TableDataModule, values: np.ndarray) -> np.ndarray:
    train = values[data.split.train]
    scaled: np.ndarray = (values - train.mean(axis=0)) / train.std(axis=0)
    return scaled


def test_columns_near_zero_have_none() -> None:
    for load in (load_iris, load_breast_cancer, load_digits, load_wine):
        assert as_table(load()).schema.feature_offsets == ()
    assert choose_offsets(np.float32([[1e9], [1e9 + 64]])) == ()
    assert choose_offsets(np.empty((0, 3))) == ()


@pytest.mark.parametrize("dtype", [np.float64, np.int64, object])
def test_whole_numbers_stay_whole(dtype: Any) -> None:
    stamps = (1_790_000_000 + np.random.default_rng(0).integers(0, 3600, (N_ROWS, 1))).astype(dtype)
    table = as_table((stamps, np.arange(N_ROWS) % 2))
    (offset,) = table.schema.feature_offsets
    assert offset.is_integer()
    np.testing.assert_array_equal(table.features.astype(np.int64) + int(offset), stamps.astype(np.int64))


@pytest.mark.parametrize("shift", [1e6, -1e9, 1e11])
def test_features_are_those_of_double_precision(shift: float) -> None:
    values = far(shift)
    data = TableDataModule(dataset=lambda: (values, labels(values)))
    assert data.table.features.dtype == np.float32
    np.testing.assert_allclose(standardised(data), reference(data, values), atol=5e-6)
    np.testing.assert_allclose(added(data.table.features, data.schema.feature_offsets), values, rtol=0, atol=1e-4)


def test_targets_are_those_of_double_precision() -> None:
    values = far()
    data = TableDataModule(dataset=lambda: (values[:, 1:], values[:, 0]))
    (offset,) = data.schema.target_offsets
    np.testing.assert_allclose(data.table.target[:, 0].astype(np.float64) + offset, values[:, 0], rtol=0, atol=1e-4)
    assert data.target_scaling is not None
    assert offset + data.target_scaling.mean[0] == pytest.approx(values[data.split.train, 0].mean(), abs=1e-4, rel=0)
    assert data.target_deviation == pytest.approx(values[data.split.train, 0].std(), rel=1e-6)


@pytest.mark.parametrize("block_size", [None, 64])
def test_columns_of_parquet(tmp_path: Path, block_size: int | None) -> None:
    values = far()
    frame = pd.DataFrame(values, columns=["far", "near"]).assign(
        stamp=1_790_000_000 + np.arange(N_ROWS), small=np.float32(1e9 + 64 * (np.arange(N_ROWS) % 3)), y=labels(values)
    )
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=50)
    data = table_from_arrays(features=str(tmp_path / "rows.parquet"), target="y", block_size=block_size)
    assert is_mapped(data.table.features) == (block_size is not None)
    # Nothing of float32 is left to be lost.
    assert [offset != 0 for offset in data.schema.feature_offsets] == [True, False, True, False]
    columns = [0, 1, 2]
    expected = reference(data, frame.drop(columns="y").to_numpy(dtype=np.float64))
    np.testing.assert_allclose(standardised(data)[:, columns], expected[:, columns], atol=5e-6)
    # What a model knows is what other rows are counted from.
    known = data.schema
    again = table_from_arrays(features=str(tmp_path / "rows.parquet"), target="y", block_size=block_size)
    again.known = known.__class__(**{**vars(known), "feature_offsets": (known.feature_offsets[0] + 8, 0.0, 0.0, 0.0)})
    differences = data.table.features.astype(np.float64) - again.table.features
    np.testing.assert_allclose(differences[:, 0], 8, atol=1e-5)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".feather"])
def test_columns_of_a_file_and_of_a_known_model(tmp_path: Path, suffix: str) -> None:
    values = far()
    frame = pd.DataFrame(values, columns=["far", "near"]).assign(when="x", y=np.where(labels(values), "b", "a"))
    frame["when"] = pd.Timestamp("2026-01-31") + pd.to_timedelta(np.arange(N_ROWS), unit="h")
    path = tmp_path / f"rows{suffix}"
    {".csv": lambda: frame.to_csv(path, index=False), ".parquet": lambda: frame.to_parquet(path),
     ".feather": lambda: frame.to_feather(path)}[suffix]()  # fmt: skip
    data = table_from_files(path=str(path), target="y")
    raw = encode(frame, from_texts(data.schema.encoding))
    np.testing.assert_allclose(standardised(data), reference(data, raw), atol=1e-5)
    np.testing.assert_array_equal(data.table.features, subtracted(raw, data.schema.feature_offsets))
    other = table_from_files(path=str(path), target="y")
    other.known = data.schema
    np.testing.assert_array_equal(other.table.features, data.table.features)


def test_none_and_global_are_of_values_in_their_units() -> None:
    values = np.column_stack([1000 + np.arange(8.0) / 8, np.arange(8.0) / 8])
    for how in ("none", "global"):
        data = TableDataModule(
            dataset=lambda: (values, np.arange(8) % 2), standardize=how, val_fraction=0, test_fraction=0
        )
        assert data.schema.feature_offsets[0] != 0
        expected = values if how == "none" else (values - values.mean()) / values.std()
        np.testing.assert_allclose(standardised(data), expected, rtol=1e-5, atol=1e-6)


def test_values_that_merge_without_a_mean_per_feature_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    values = far()
    distinct = len(np.unique(values[:, 0]))
    merged = len(np.unique(values[:, 0].astype(np.float32)))
    settings: dict[str, Any] = {"dataset": lambda: (values, values[:, 0]), "task": "regression"}
    TableDataModule(**settings).setup()
    assert caplog.messages == []
    TableDataModule(**settings, standardize="none").setup()
    line = f"column {{}}: {distinct} different values are {merged} in float32; set data.standardize=per_feature"
    assert caplog.messages == [line.format("x0"), line.format("y0")]
    caplog.clear()
    # A deviation of half the distance between the columns leaves nothing of either; the target has its own.
    TableDataModule(**settings, standardize="global").setup()
    assert [text[:10] for text in caplog.messages] == ["column x0:", "column x1:"]


def test_values_that_merge_beside_an_outlier_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    values = far()
    values[: N_ROWS // 10, 0] = 0
    frame = pd.DataFrame(values, columns=["amount", "near"]).assign(y=labels(values))
    with caplog.at_level(logging.WARNING):
        as_table((frame[["amount", "near"]], frame.y))
    (line,) = caplog.messages
    distinct, merged = len(np.unique(values[:, 0])), len(np.unique(values[:, 0].astype(np.float32)))
    assert line.startswith(f"column amount: {distinct} different values are {merged} in float32; ")


def test_what_rounding_takes_of_many_values_is_not_worth_a_line(caplog: pytest.LogCaptureFixture) -> None:
    values = np.random.default_rng(0).random((100_000, 1))
    assert len(np.unique(values.astype(np.float32))) < len(np.unique(values))
    as_table((values, np.arange(100_000) % 2))
    assert caplog.messages == []
