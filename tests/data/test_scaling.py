from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

from perceptron.data import TableDataModule, fit_scaling, scaling, table_from_files
from perceptron.data.scaling import Scaling, check_deviation, report_scaled
from perceptron.errors import UsageError


def test_per_feature_is_scikit_learns() -> None:
    values = np.random.default_rng(0).normal(5, 3, (50, 4))
    fitted, reference = fit_scaling(values, how="per_feature"), StandardScaler().fit(values)
    np.testing.assert_allclose(fitted.mean, reference.mean_)
    np.testing.assert_allclose(fitted.scale, reference.scale_)


def test_global_is_one_mean_and_one_deviation() -> None:
    values = np.array([[1.0, 2.0], [3.0, 6.0]])
    fitted = fit_scaling(values, how="global")
    np.testing.assert_allclose(fitted.mean, [3.0, 3.0])
    np.testing.assert_allclose(fitted.scale, [np.sqrt(3.5)] * 2)


def test_none_leaves_values_as_they_are() -> None:
    fitted = fit_scaling(np.full((3, 2), 7.0), how="none")
    assert fitted.mean.tolist() == [0, 0]
    assert fitted.scale.tolist() == [1, 1]


def test_columns_without_variance_stay_finite() -> None:
    pixels = load_digits().data
    fitted = fit_scaling(pixels, how="per_feature")
    assert (pixels.std(axis=0) == 0).sum() == 3
    assert np.isfinite((pixels - fitted.mean) / fitted.scale).all()
    assert fit_scaling(np.ones((3, 1)), how="global").scale.tolist() == [1]


@pytest.mark.parametrize("deviation", [1e-16, 1e16])
def test_a_target_whose_squared_errors_float32_does_not_hold_is_refused(deviation: float) -> None:
    random = np.random.default_rng(0)
    data = TableDataModule(dataset=lambda: (random.normal(size=(50, 1)), deviation * random.normal(size=50)))
    with pytest.raises(UsageError, match=r"target y0 must have a standard deviation from 1e-15 to 1e\+15, got .*units"):
        data.setup()


@pytest.mark.parametrize("how", ["per_feature", "global"])
def test_rows_in_parts_are_as_the_rows_at_once(monkeypatch: pytest.MonkeyPatch, how) -> None:
    values = np.random.default_rng(0).normal(5, 3, (50, 4)).astype(np.float32)
    rows, weights = np.arange(0, 50, 2), np.linspace(0, 1, 25)
    at_once = fit_scaling(values[rows], how=how, weights=weights)
    monkeypatch.setattr(scaling, "_VALUES_AT_ONCE", 28)
    in_parts = fit_scaling(values, how=how, rows=rows, weights=weights)
    np.testing.assert_allclose(in_parts.mean, at_once.mean, rtol=1e-6)
    np.testing.assert_allclose(in_parts.scale, at_once.scale, rtol=1e-6)


@pytest.mark.parametrize("how", ["per_feature", "global", "none"])
@pytest.mark.parametrize("n_at_once", [2_000_000, 28])
def test_offsets_and_scaling_together_are_the_scaling_of_the_values(
    monkeypatch: pytest.MonkeyPatch, how, n_at_once: int
) -> None:
    monkeypatch.setattr(scaling, "_VALUES_AT_ONCE", n_at_once)
    values = np.random.default_rng(0).normal(5, 3, (50, 4)) * [1, 2, 3, 4]
    offsets = (1000.0, 0.0, -500.0, 3.0)
    rows = np.arange(10, 40)
    fitted = fit_scaling((values - offsets).astype(np.float32), how=how, rows=rows, offsets=offsets)
    plain = fit_scaling(values, how=how, rows=rows)
    # (value - offset - mean) / scale, each in the column's units.
    np.testing.assert_allclose(np.array(offsets) + fitted.mean, plain.mean, atol=1e-3)
    np.testing.assert_allclose(fitted.scale, plain.scale, rtol=1e-5)
    assert (fitted.mean.shape, fitted.scale.shape) == ((4,), (4,))
    assert fitted.mean.dtype == fitted.scale.dtype == np.float64
    train = values[rows]
    if how == "global":
        np.testing.assert_allclose(plain.mean, [train.mean()] * 4)
        np.testing.assert_allclose(plain.scale, [train.std()] * 4)
    elif how == "none":
        assert (plain.mean.tolist(), plain.scale.tolist()) == ([0.0] * 4, [1.0] * 4)


def test_weights_count_rows_as_often() -> None:
    values = np.random.default_rng(0).normal(5, 3, (6, 2))
    times = np.array([1, 3, 0, 2, 1, 4])
    fitted = fit_scaling(values, how="per_feature", weights=times)
    repeated = np.repeat(values, times, axis=0)
    np.testing.assert_allclose(fitted.mean, repeated.mean(axis=0))
    np.testing.assert_allclose(fitted.scale, repeated.std(axis=0))
    unweighted = fit_scaling(values, how="global")
    np.testing.assert_array_equal(fit_scaling(values, how="global", weights=times).scale, unweighted.scale)


@pytest.mark.parametrize("start", [0, 7, 49])
def test_a_part_of_the_rows_may_have_no_weight(monkeypatch: pytest.MonkeyPatch, start: int) -> None:
    monkeypatch.setattr(scaling, "_VALUES_AT_ONCE", 28)
    values, weights = np.random.default_rng(0).normal(5, 3, (50, 4)), np.ones(50)
    weights[start : start + 7] = 0
    fitted = fit_scaling(values, how="per_feature", weights=weights)
    np.testing.assert_allclose(fitted.mean, values[weights > 0].mean(axis=0))
    np.testing.assert_allclose(fitted.scale, values[weights > 0].std(axis=0))


def test_training_rows_without_weight_are_one_line(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": np.arange(100.0), "w": 1.0, "y": np.arange(100) % 2})
    path = tmp_path / "rows.csv"
    frame.to_csv(path, index=False)
    test = table_from_files(path=str(path), target="y", weight="w").split.test
    frame["w"] = 0.0
    frame.loc[test, "w"] = 1.0
    frame.to_csv(path, index=False)
    with pytest.raises(UsageError) as caught:
        table_from_files(path=str(path), target="y", weight="w").setup()
    assert str(caught.value) == (
        "data.weight must be above 0 for a training row, got 0 for all 65 of them; mend the column or choose other "
        "training rows"
    )


def test_only_some_columns_are_scaled() -> None:
    every = Scaling(mean=np.array([1.0, 2.0, 3.0]), scale=np.array([4.0, 5.0, 6.0]))
    some = every.only(np.array([True, False, True]))
    assert (some.mean.tolist(), some.scale.tolist()) == ([1.0, 0.0, 3.0], [4.0, 1.0, 6.0])


def test_the_line_on_a_deviation_names_the_target() -> None:
    check_deviation(np.array([1e-15, 1.0, 1e15]), ["a", "b", "c"])
    with pytest.raises(UsageError) as caught:
        check_deviation(np.array([1.0, 1.0625e15]), ["a", "b"])
    assert str(caught.value) == (
        "target b must have a standard deviation from 1e-15 to 1e+15, got 1.06e+15; write it in other units"
    )
    with pytest.raises(ValueError, match="longer"):
        check_deviation(np.ones(2), ["a"])


def test_columns_that_lose_values_to_the_scaling_are_named(caplog: pytest.LogCaptureFixture) -> None:
    steps = np.arange(64.0)
    # Beside 2**22 float32 keeps steps of a quarter; below its smallest normal number it keeps steps of 2**-149.
    values = np.column_stack([steps / 8, steps / 8, steps / 2**24])
    far = Scaling(mean=np.array([2.0**22, 0.0, 0.0]), scale=np.array([1.0, 3.0, 2.0**127]))
    report_scaled(values.astype(np.float32), far, ["shifted", "kept", "shrunk"])
    assert caplog.messages == [
        "column shifted: 64 different values are 33 in float32; set data.standardize=per_feature",
        "column shrunk: 64 different values are 17 in float32; set data.standardize=per_feature",
    ]
    caplog.clear()
    # In double precision nothing is lost.
    report_scaled(values, far, ["shifted", "kept", "shrunk"])
    assert caplog.messages == []
