"""Sums over the rows of a training epoch."""

from functools import partial

import pytest
import torch
from torch import Tensor

from perceptron.data.row_batches import RowBatches
from perceptron.models import epoch_sums
from perceptron.models.epoch_sums import EpochSums

BATCHES = [
    (torch.tensor(0.5), torch.tensor([1, 0, 1]), torch.tensor([1, 1, 1])),
    (torch.tensor(2.0), torch.tensor([0, 0]), torch.tensor([1, 0])),
]


def _added(sums: EpochSums) -> EpochSums:
    for batch in BATCHES:
        sums.add(*batch)
    return sums


@pytest.mark.parametrize("at_once", [1, 3, 4, 5, 6])
def test_losses_are_weighted_by_rows_and_correct_labels_counted(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(epoch_sums, "_ROWS_AT_ONCE", at_once)
    compared: list[int] = []

    def correct(outputs: Tensor, target: Tensor) -> Tensor:
        compared.append(len(outputs))
        return outputs == target

    sums = _added(EpochSums(correct))
    # As many rows as are compared at once, not batch by batch.
    assert compared == {1: [3, 2], 3: [3], 4: [5], 5: [5], 6: []}[at_once]
    assert sums.counts_labels
    assert sums.sums().tolist() == [5.5, 5.0, 3.0]
    assert sums.sums().dtype == torch.float32
    # Rows are compared once.
    assert sum(compared) == 5
    assert sums.state().tolist() == [5.5, 5.0, 3.0]
    assert sums.state().dtype == torch.float64


def test_without_classes_no_labels_are_counted() -> None:
    sums = _added(EpochSums(None))
    assert not sums.counts_labels
    assert sums.sums().tolist() == [5.5, 5.0, 0.0]
    none = _added(EpochSums(lambda *_: None))
    assert none.state().tolist() == [5.5, 5.0, 0.0]


def test_an_epoch_continues_from_its_state() -> None:
    first = _added(EpochSums(torch.eq))
    second = EpochSums(torch.eq)
    second.load_state(first.state())
    assert _added(second).state().tolist() == [11.0, 10.0, 6.0]
    assert second.state().dtype == torch.float64
    # Older checkpoints have no number of correct labels, and an epoch's rest would not do.
    older = EpochSums(torch.eq)
    older.load_state(first.state()[:2])
    assert not older.counts_labels
    assert _added(older).state().tolist() == [11.0, 10.0, 0.0]


def test_sums_are_moved_to_the_device_of_the_losses() -> None:
    sums = EpochSums(torch.eq)
    assert sums.to(torch.device("meta")) is sums
    assert {value.device.type for value in (sums.sums(), sums.state())} == {"meta"}


# Two processes have unequal shares of the last 5 of 13 rows, and one of them none of the last of 9.
@pytest.mark.parametrize("n_rows", [13, 9])
def test_the_sums_of_two_processes_are_those_of_one(n_rows: int) -> None:
    torch.manual_seed(0)
    losses, target, outputs = torch.rand(n_rows), torch.randint(2, (n_rows,)), torch.randint(2, (n_rows,))
    batches = partial(RowBatches, n_rows, batch_size=8, shuffle=True, seed=0)
    one, two = EpochSums(torch.eq), torch.zeros(3)
    for rows in batches():
        one.add(losses[rows].mean(), outputs[rows], target[rows])
    for rank in range(2):
        of_rank = EpochSums(torch.eq)
        for rows, weights in batches(rank=rank, world_size=2):
            of_rank.add((losses[rows] * weights).mean(), outputs[rows], target[rows], share=weights[0])
        assert of_rank.state().dtype == torch.float64
        two += of_rank.sums()
    assert one.sums()[1] == n_rows
    torch.testing.assert_close(two, one.sums())
