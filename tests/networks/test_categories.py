import pytest
import torch
from torch import nn

from perceptron.networks import MLP, CategoryEmbeddings
from perceptron.networks.categories import embedding_width

PLACES = ((1, 4), (5, 7))


def test_each_category_is_its_vector_and_the_rest_stays_in_order() -> None:
    layer = CategoryEmbeddings(n_features=8, category_places=PLACES, width=2)
    first, second = (embedding.weight for embedding in layer.embeddings)
    #                          place:  0    1  2  3    4    5  6    7
    outputs = layer(torch.tensor([[0.5, 0, 0, 1, -2.0, 1, 0, 3.0], [0.1, 0, 0, 0, 0.2, 0, 1, 0.3]]))
    assert layer.out_features == outputs.shape[1] == 3 + 2 * 2
    want = torch.tensor([0.5, *first[2].tolist(), -2.0, *second[0].tolist(), 3.0])
    assert torch.equal(outputs[0], want)
    # A category that has no place is the zero vector.
    assert torch.equal(outputs[1], torch.tensor([0.1, 0, 0, 0.2, *second[1].tolist(), 0.3]))


def test_categories_alone_and_side_by_side() -> None:
    layer = CategoryEmbeddings(n_features=5, category_places=((0, 2), (2, 5)), width=3)
    assert layer(torch.eye(5)).shape == (5, 6)


def test_it_learns_what_an_embedding_learns() -> None:
    layer = CategoryEmbeddings(n_features=4, category_places=((0, 4),), width=3)
    (ours,) = layer.embeddings
    assert isinstance(ours, nn.Embedding)
    theirs = nn.Embedding.from_pretrained(ours.weight.detach().clone(), freeze=False)
    categories = torch.tensor([3, 0, 3])
    for outputs in (layer(nn.functional.one_hot(categories, 4).float()), theirs(categories)):
        outputs.square().sum().backward()
    assert torch.equal(ours.weight.grad, theirs.weight.grad)


@pytest.mark.parametrize(("n", "width"), [(2, 2), (7, 5), (64, 16), (1000, 77), (10**6, 600)])
def test_widths_are_those_of_fastai(n: int, width: int) -> None:
    # Values of fastai.tabular.model.emb_sz_rule, worked out by hand.
    assert embedding_width(n) == width


@pytest.mark.parametrize("settings", [{"categories": "embedding"}, {"category_places": PLACES}])
def test_without_categories_it_is_the_plain_network(settings: dict) -> None:
    networks = []
    for more in ({}, settings):
        torch.manual_seed(0)
        networks.append(MLP(n_features=8, n_outputs=2, hidden=(4,), **more).state_dict())
    assert list(networks[0]) == list(networks[1])
    assert all(torch.equal(value, networks[1][name]) for name, value in networks[0].items())
