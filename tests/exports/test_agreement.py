"""Exported numbers are compared in deviations of each target, whatever its units."""

import numpy as np
import pytest
import torch

from perceptron.errors import UsageError
from perceptron.exports.agreement import check_agreement, expected
from perceptron.models import Answers, BinaryClassifier, Regressor, Standardize
from perceptron.models.ensemble import Ensemble, take_members
from perceptron.networks import MLP

SCALES = np.array([1e-6, 1.0, 1e9])
ROWS = torch.from_numpy(np.random.default_rng(0).normal(size=(50, 2)))


def _regressor(seed: int) -> Regressor:
    torch.manual_seed(seed)
    return Regressor(
        network=MLP(n_features=2, n_outputs=3, hidden=(4,)),
        standardize=Standardize(np.zeros(2), np.ones(2)),
        standardize_target=Standardize(np.zeros(3), SCALES),
    ).eval()


@pytest.fixture
def ensemble() -> Answers:
    """Of three targets of unlike scale, each of which comes near 0 in some rows."""
    members = [_regressor(seed) for seed in range(3)]
    model = _regressor(0)
    model.network = Ensemble(
        n_features=2, n_outputs=3, networks=[lambda **sizes: MLP(**sizes, hidden=(4,)) for _ in members]
    )
    take_members(model, members)
    return Answers(model.eval(), target_offsets=(0.0, 0.0, 1e12))


@pytest.mark.parametrize("name", ["values", "spread"])
@pytest.mark.parametrize("target", [0, 1, 2])
def test_differences_are_measured_in_deviations_of_each_target(ensemble: Answers, name: str, target: int) -> None:
    wanted = expected(ensemble, ROWS)
    assert wanted["values"].dtype == np.float64
    for share, is_refused in ((2e-6, False), (1e-4, True)):
        got = {key: values.astype(np.float64) for key, values in wanted.items()}
        got[name][7, target] += share * SCALES[target]
        if is_refused:
            with pytest.raises(UsageError, match=r"within 1e-05 deviations of the target, got .* in onnxruntime"):
                check_agreement(ensemble, ROWS, got, deviation=SCALES, by="onnxruntime")
        else:
            found = check_agreement(ensemble, ROWS, got, deviation=SCALES, by="onnxruntime")
            assert found == pytest.approx(share, rel=0.2)


def test_probabilities_are_compared_as_they_are() -> None:
    model = BinaryClassifier(
        network=MLP(n_features=2, n_outputs=1, hidden=()), standardize=Standardize(np.zeros(2), np.ones(2))
    )
    answers = Answers(model.eval())
    got = expected(answers, ROWS)
    assert check_agreement(answers, ROWS, got, deviation=None, by="torch.export") == 0
    got = {"probabilities": got["probabilities"] + 1e-4}
    with pytest.raises(UsageError, match=r"within 1e-05, got 1\.00e-04 in torch\.export; nothing was written: install"):
        check_agreement(answers, ROWS, got, deviation=None, by="torch.export")


def test_what_is_not_finite_does_not_agree(ensemble: Answers) -> None:
    got = {name: values.copy() for name, values in expected(ensemble, ROWS).items()}
    got["values"][0, 0] = np.nan
    with pytest.raises(UsageError, match="got inf in onnxruntime"):
        check_agreement(ensemble, ROWS, got, deviation=SCALES, by="onnxruntime")
