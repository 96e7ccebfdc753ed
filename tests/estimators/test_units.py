"""A regression's answers do not depend on the units of its target."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from perceptron.estimators import PerceptronRegressor


@pytest.mark.parametrize("n_members", [1, 2])
@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_training_stops_by_improvements_in_units_of_the_targets_variance(n_members: int, scale: float) -> None:
    x, y = load_diabetes(return_X_y=True)
    settings = {"learning_rate": 0.02, "max_epochs": 60, "patience": 2, "min_delta": 1e-3, "random_state": 0}
    fitted = PerceptronRegressor((8,), n_members=n_members, **settings).fit(x, y)
    assert 5 < fitted.n_iter_ < 60
    other = PerceptronRegressor((8,), n_members=n_members, **settings).fit(x, scale * y)
    assert other.n_iter_ == fitted.n_iter_
    np.testing.assert_allclose(other.predict(x), scale * fitted.predict(x), rtol=1e-6)
