import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

from perceptron.data import TableDataModule, fit_scaling, scaling
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
