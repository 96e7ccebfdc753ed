"""The best threshold: against scikit-learn's metric over all labellings, its own tuner, and by hand."""

import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import TunedThresholdClassifierCV

from perceptron.models import BinaryClassifier, Standardize
from perceptron.models.threshold import best_threshold


def _found(probabilities, target, dtype=torch.float32) -> float:
    return best_threshold(torch.tensor(probabilities, dtype=dtype), torch.tensor(target))


@pytest.mark.parametrize("seed", range(8))
def test_no_labelling_is_better(seed: int) -> None:
    random = np.random.default_rng(seed)
    # With ties.
    probabilities = random.beta(1, 4, 60).astype(np.float32).round(2)
    target = (random.random(60) < probabilities).astype(int)
    found = _found(probabilities, target)
    reached = balanced_accuracy_score(target, probabilities >= np.float32(found))
    every = [balanced_accuracy_score(target, probabilities >= cut) for cut in [*np.unique(probabilities), 2, 0.5]]
    assert reached == pytest.approx(max(every), abs=1e-12)


def test_it_is_at_least_as_good_as_scikit_learn_s_on_the_same_rows() -> None:
    features, target = make_classification(500, weights=[0.9], flip_y=0.1, random_state=0)
    model = LogisticRegression().fit(features[:300], target[:300])
    tuned = TunedThresholdClassifierCV(model, cv="prefit", refit=False).fit(features[300:], target[300:])
    probabilities = model.predict_proba(features[300:])[:, 1]
    found = _found(probabilities, target[300:], torch.float64)
    reached = balanced_accuracy_score(target[300:], probabilities >= found)
    assert reached >= tuned.best_score_
    assert found == pytest.approx(tuned.best_threshold_, abs=0.05)


@pytest.mark.parametrize(
    ("probabilities", "target", "wanted"),
    [
        ([0.1, 0.2, 0.4, 0.45], [0, 0, 1, 1], 0.3),
        ([0.6, 0.7, 0.8, 0.9], [0, 0, 1, 1], 0.75),
        # 0.5 is as good as any.
        ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], 0.5),
        # Of two that are as good, the nearer.
        ([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1], 0.35),
        # Nothing tells the classes apart.
        ([0.3, 0.3, 0.3], [0, 1, 1], 0.5),
        ([0.2, 0.9], [1, 0], 0.5),
        # Neighbours.
        ([0.3, float(np.nextafter(np.float32(0.3), np.float32(1)))], [0, 1], np.nextafter(np.float32(0.3), 1)),
        ([0.0, 1e-45], [0, 1], 1e-45),
    ],
)
def test_by_hand(probabilities: list[float], target: list[int], wanted: float) -> None:
    assert _found(probabilities, target) == pytest.approx(wanted, rel=1e-7)


def _model(**settings) -> BinaryClassifier:
    return BinaryClassifier(network=torch.nn.Identity(), standardize=Standardize([0.0], [1.0]), **settings)


def test_a_chosen_threshold_is_part_of_the_state_and_decides_labels_and_metrics() -> None:
    model = _model(threshold="auto").eval()
    assert model.threshold == 0.5
    logits, target = torch.tensor([[-3.0], [-2.0], [-1.0], [-0.5]]), torch.tensor([0, 0, 1, 1])
    model.choose_threshold(logits, target)
    assert model.predict(logits).labels.tolist() == [0, 0, 1, 1]
    assert model.metrics(logits, target)["acc"] == 1
    loaded = _model(threshold="auto")
    loaded.load_state_dict(model.state_dict())
    assert loaded.threshold == model.threshold < 0.5
    # A given one stays what it is, and is no part of the state.
    given = _model(threshold=0.4)
    assert "cut" not in given.state_dict()
    given.load_state_dict(model.state_dict())
    assert given.threshold == 0.4
    with pytest.raises(RuntimeError, match=r'Missing key.*"cut"'):
        loaded.load_state_dict(given.state_dict())


def test_weights_that_are_trained_on_start_without_the_threshold_that_was_chosen_for_them() -> None:
    chosen, given = _model(threshold="auto"), _model(threshold=0.4)
    chosen.take_threshold(0.25)
    for model in (chosen, given):
        model.on_fit_start()
    assert (chosen.threshold, given.threshold) == (0.5, pytest.approx(0.4))
    assert _model().threshold == 0.5
    assert (chosen.chooses_threshold, given.chooses_threshold) == (True, False)


def test_a_model_with_a_given_threshold_reads_states_with_and_without_one_wherever_it_stands() -> None:
    chosen = torch.nn.ModuleDict({"inner": _model(threshold="auto")})
    given = torch.nn.ModuleDict({"inner": _model(threshold=0.4)})
    for state in (chosen.state_dict(), given.state_dict()):
        given.load_state_dict(state)
    assert given["inner"].threshold == pytest.approx(0.4)


def test_a_probability_that_is_the_threshold_is_labelled_1() -> None:
    model = _model(threshold=0.5).eval()
    logits = torch.tensor([[0.0], [-1e-3]])
    labels, probabilities, spread = model.predict(logits)
    assert labels.tolist() == [1, 0]
    assert labels.dtype == torch.int64
    assert spread is None
    assert probabilities is not None
    torch.testing.assert_close(probabilities, torch.cat([1 - logits.sigmoid(), logits.sigmoid()], dim=1))
    assert model.metrics(logits, torch.tensor([1, 0]))["acc"].item() == 1
    correct = model.correct(logits, torch.tensor([1, 0]))
    assert correct is not None
    assert correct.all()
    # Of double precision nearer than single precision tells.
    near = torch.tensor([[0.0], [-4e-8]], dtype=torch.float64)
    assert model.double().metrics(near, torch.tensor([1, 0]))["acc"].item() == 1
