"""Jobs that a population would train otherwise than alone are left alone, and say why."""

import pytest

from perceptron.composition.population.eligibility import check_settings
from perceptron.composition.population.members import MemberBuilder
from perceptron.composition.settings.plain import plain
from perceptron.population import CannotStackError


def test_what_every_job_may_be(composed) -> None:
    check_settings(plain(composed("model=digits_mlp")[0]))


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        (("data=moons", "data.dataset.random_state=null"), "its table is drawn anew for every job; "
         "set data.dataset.random_state"),
        (("figures=epoch",), "it has figures=epoch: members draw once all of them have finished"),
    ],
)  # fmt: skip
def test_what_no_population_does(typed: tuple[str, ...], reason: str, composed) -> None:
    with pytest.raises(CannotStackError) as caught:
        check_settings(plain(composed(*typed)[0]))
    assert str(caught.value) == reason


def test_a_table_that_cannot_be_made_is_left_to_the_job_to_say(composed) -> None:
    cfg, chosen = composed("data=blobs", "model=softmax", "data.dataset.n_samples=many")
    with pytest.raises(CannotStackError, match="its table cannot be read"):
        MemberBuilder().build(plain(cfg), chosen)
