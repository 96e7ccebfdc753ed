"""The table of signatures, which is generated, and what is read of others."""

import sys
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, Literal

import pytest
import torch
from tests.composition.settings.write_signature_table import TABLE, table_text

from perceptron.composition.settings.argument_types import Argument, Signature, described, fits
from perceptron.composition.settings.signatures import plain_type, read_signature, signature_of
from perceptron.errors import UsageError


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="written with 3.11; others word some types otherwise")
def test_the_table_is_that_of_the_installed_packages() -> None:
    assert TABLE.read_text(encoding="utf-8") == table_text(), (
        "run python -m tests.composition.settings.write_signature_table"
    )


def test_a_signature_is_read() -> None:
    class Mine:
        def __init__(self, lr: float, mode: Literal["a", "b"] = "a", sizes: tuple[int, ...] = ()) -> None:
            pass

    assert read_signature(Mine) == Signature(
        {
            "lr": Argument(float, is_required=True),
            "mode": Argument(Literal["a", "b"]),
            "sizes": Argument(tuple[int, ...]),
        }
    )


class Base:
    def __init__(self, *, width: int = 3, depth: int) -> None:
        pass


class HandsOn(Base):
    def __init__(self, *, gamma: float = 2.0, **settings: Any) -> None:
        super().__init__(depth=1, **settings)
        self.gamma = gamma


class Reads(Base):
    def __init__(self, **settings: Any) -> None:
        super().__init__(depth=1, width=settings["size"])


def made(*, name: str, **settings: Any) -> Base:
    assert name
    return Base(**settings)


@pytest.mark.parametrize(
    ("found", "names", "takes_any"),
    [
        (HandsOn, {"gamma", "width"}, False),
        (Reads, set(), True),
        (made, {"name", "width", "depth"}, False),
        (lambda **settings: settings, set(), True),
    ],
)
def test_keyword_arguments_that_are_handed_on_are_those_of_the_other_class(
    found: Any, names: set[str], takes_any: bool
) -> None:
    signature = read_signature(found)
    assert signature is not None
    assert (set(signature.arguments), signature.takes_any) == (names, takes_any)


def test_a_target_that_cannot_be_imported_is_one_line() -> None:
    with pytest.raises(UsageError, match=r"^x\._target_ must be what can be imported, got nothing\.Here: .*; change x"):
        signature_of("nothing.Here", "x")


def test_a_misspelt_name_is_found_without_an_import() -> None:
    with pytest.raises(UsageError, match=r"^there is no torchmetrics.CohenKapa; did you mean torchmetrics.CohenKappa"):
        signature_of("torchmetrics.CohenKapa", "metrics.kappa")


def test_classes_of_other_objects_are_left_out_of_a_type() -> None:
    assert plain_type(str | torch.Tensor | None) == str | None
    assert plain_type(torch.Tensor) is Any
    assert described(plain_type(torch.Tensor | None)) == "null, or settings with a _target_"
    assert plain_type(Path | str) == PurePath | str
    assert plain_type(Mapping[int, int]) == dict[int, int]


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


def test_lists_and_mappings_are_described_by_what_is_in_them() -> None:
    assert described(list[str] | None) == "a list of texts"
    assert described(dict[str, int]) == "a mapping of texts to whole numbers"


def test_a_list_of_fixed_length_is_described_by_it() -> None:
    assert described(tuple[float, float]) == "a list of 2"
