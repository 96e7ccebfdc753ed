"""Standardisation as a layer."""

import numpy as np
import pytest
import torch

from perceptron.models import Standardize

COLUMNS = torch.tensor([[5.0, 10.0], [1.0, -6.0]])
STANDARDISED = torch.tensor([[1.0, 2.0], [-1.0, -2.0]])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_columns_to_standardised_ones_and_back(dtype: torch.dtype) -> None:
    layer = Standardize(np.array([3.0, 2.0]), np.array([2.0, 4.0]), dtype=dtype)
    assert torch.equal(layer(COLUMNS.to(dtype)), STANDARDISED.to(dtype))
    assert torch.equal(layer.inverse(STANDARDISED.to(dtype)), COLUMNS.to(dtype))


def test_it_computes_in_single_precision_unless_told_otherwise() -> None:
    layer = Standardize(np.array([3.0, 2.0]), [2.0, 4.0])
    assert (layer.mean.dtype, layer.scale.dtype) == (torch.float32, torch.float32)


def test_mean_and_scale_are_its_state_and_are_not_trained() -> None:
    layer = Standardize([3.0, 2.0], [2.0, 4.0])
    assert {name: value.tolist() for name, value in layer.state_dict().items()} == {
        "mean": [3.0, 2.0],
        "scale": [2.0, 4.0],
    }
    assert list(layer.parameters()) == []


@pytest.mark.parametrize(
    ("offsets", "to", "mean"),
    [
        ((10.0, 20.0), (7.0, 21.0), [6.0, 1.0]),
        ((), (7.0, 21.0), [-4.0, -19.0]),
        ((10.0, 20.0), (), [13.0, 22.0]),
        ((), (), [3.0, 2.0]),
    ],
)
def test_columns_counted_from_other_offsets_are_standardised_alike(
    offsets: tuple[float, ...], to: tuple[float, ...], mean: list[float]
) -> None:
    layer = Standardize([3.0, 2.0], [2.0, 4.0])
    layer.move(offsets, to=to)
    assert layer.mean.tolist() == mean
    own, other = (torch.tensor(each or (0.0, 0.0)) for each in (offsets, to))
    assert torch.equal(layer(COLUMNS + own - other), STANDARDISED)


def test_large_offsets_are_subtracted_in_double_precision() -> None:
    layer = Standardize([0.5], [1.0])
    layer.move([2.0**40 + 1], to=[2.0**40])
    assert layer.mean.tolist() == [1.5]
