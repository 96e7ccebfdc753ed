"""The table of torch's signatures, which is generated, and what is read of others."""

from typing import Any, Literal

import pytest
from tests.composition.settings.write_torch_signatures import TABLE, table_text

from perceptron.composition.settings.argument_types import Argument, described, fits
from perceptron.composition.settings.signatures import read_signature, signature_of


def test_the_table_is_that_of_the_installed_torch() -> None:
    assert TABLE.read_text(encoding="utf-8") == table_text(), (
        "run python -m tests.composition.settings.write_torch_signatures"
    )


def test_a_signature_is_read_without_what_the_project_passes() -> None:
    class Mine:
        def __init__(self, params: Any, lr: float, mode: Literal["a", "b"] = "a", sizes: tuple[int, ...] = ()) -> None:
            pass

    assert read_signature(Mine) == {
        "lr": Argument(float, is_required=True),
        "mode": Argument(Literal["a", "b"]),
        "sizes": Argument(tuple[int, ...]),
    }


def test_what_takes_anything_has_no_signature() -> None:
    assert read_signature(lambda **kwargs: kwargs) is None
    assert signature_of("nothing.Here") is None


@pytest.mark.parametrize(
    ("value", "hint", "is_right"),
    [
        (1, float, True),
        (True, float, False),
        (True, int, False),
        ([0.5, 1.2], tuple[float, float], True),
        ([0.5], tuple[float, float], False),
        ([1, 2, 3], tuple[int, ...], True),
        ([None, 0.1], tuple[float | None, float], True),
    ],
)
def test_types(value: Any, hint: Any, is_right: bool) -> None:
    assert fits(value, hint) == is_right


def test_a_list_of_fixed_length_is_described_by_it() -> None:
    assert described(tuple[float, float]) == "a list of 2"
