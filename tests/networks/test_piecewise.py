"""Piecewise-linear embeddings whose bins are fitted, and belong to the state."""

from copy import deepcopy

import pytest
import torch
from rtdl_num_embeddings import PiecewiseLinearEmbeddings, compute_bins

from perceptron.errors import UsageError
from perceptron.networks import TabM
from perceptron.networks.piecewise import FittedPiecewiseLinear


def _rows() -> torch.Tensor:
    rows = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    rows[:, 1] = (rows[:, 1] > 0).float()
    rows[:, 2] = (2 * rows[:, 2]).round()
    return rows


def test_bins_are_those_of_the_authors() -> None:
    rows = _rows()
    layer = FittedPiecewiseLinear(4)
    layer.fit(rows)
    theirs = PiecewiseLinearEmbeddings(compute_bins(rows, n_bins=48), 16, activation=False, version="B")
    found = dict(layer.named_buffers())
    assert found.keys() == dict(theirs.named_buffers()).keys() == {"impl.weight", "impl.bias", "impl.mask"}
    assert all(torch.equal(buffer, found[name]) for name, buffer in theirs.named_buffers())
    torch.nn.init.normal_(layer.linear.weight)
    theirs.load_state_dict(layer.state_dict())
    assert torch.equal(layer(rows), theirs(rows))


def test_a_column_that_does_not_vary_has_one_bin() -> None:
    rows = torch.full((10, 2), 5.0)
    rows[:, 1] = torch.arange(10.0)
    layer = FittedPiecewiseLinear(2)
    layer.fit(rows)
    assert layer.impl(rows)[:, 0].eq(0).all()
    assert layer.impl.mask.sum(dim=1).tolist() == [1, 9]
    layer = FittedPiecewiseLinear(1)
    layer.fit(rows[:, :1])
    assert layer(rows[:, :1]).isfinite().all()
    with pytest.raises(UsageError, match="at least 3 training rows, got 2"):
        layer.fit(rows[:2, :1])


@pytest.mark.parametrize("columns", [[0], [0, 3], [1], [0, 1, 2, 3], [1, 2]])
def test_a_state_is_taken_whatever_its_bins(columns: list[int]) -> None:
    rows = _rows()[:, columns]
    networks = [
        TabM(n_features=len(columns), n_outputs=1, members=2, width=8, embeddings="piecewise_linear").eval()
        for _ in range(3)
    ]
    trained, fresh, other = networks
    trained.fit_bins(rows)
    torch.nn.init.normal_(trained.ensemble.num_module.linear.weight)
    other.fit_bins(rows[:20] + 1)
    for network in (fresh, other, deepcopy(fresh)):
        network.load_state_dict(trained.state_dict())
        assert torch.equal(network(rows), trained(rows))
    # A state that fits leaves the parameters that an optimizer has.
    before = list(trained.parameters())
    trained.load_state_dict(fresh.state_dict())
    assert all(one is two for one, two in zip(before, trained.parameters(), strict=True))


def test_a_state_of_another_network_is_refused() -> None:
    one, two = (TabM(n_features=n, n_outputs=1, members=2, width=8, embeddings="piecewise_linear") for n in (2, 3))
    with pytest.raises(RuntimeError, match="size mismatch"):
        one.load_state_dict(two.state_dict())


@pytest.mark.parametrize("embeddings", ["none", "linear", "periodic", "piecewise_linear"])
def test_categories_are_no_numbers_and_an_unknown_one_is_none_of_the_known(embeddings: str) -> None:
    torch.manual_seed(0)
    #                    0  1 2 3 4 5
    rows = torch.tensor(
        [[0.5, 1, 0, 0, 0, -1], [0.5, 0, 1, 0, 0, -1], [0.5, 0, 0, 1, 0, -1], [0.5, 0, 0, 0, 0, -1],
         [0.5, 1, 0, 0, 1, -1]]
    )  # fmt: skip
    network = TabM(
        n_features=6, n_outputs=1, members=2, width=8, embeddings=embeddings, category_places=[[1, 4]], flags=[4]
    ).eval()
    assert network.numbers.tolist() == [0, 5]
    assert network.ensemble.cat_module._cardinalities == [4, 2]
    if network.fits_bins:
        network.fit_bins(rows)
    outputs = network(rows)
    # As the package has it, by numbers of categories.
    categories = torch.tensor([[0, 1], [1, 1], [2, 1], [3, 1], [0, 0]])
    assert torch.equal(outputs, network.ensemble(rows[:, [0, 5]], categories))
    assert len(outputs[:, 0].unique(dim=0)) == 5
    alone = TabM(n_features=3, n_outputs=1, members=2, width=8, embeddings=embeddings, category_places=[[0, 3]]).eval()
    assert not alone.fits_bins
    assert alone(torch.eye(3)).shape == (3, 2, 1)
