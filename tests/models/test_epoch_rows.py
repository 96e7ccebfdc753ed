import pytest
import torch

from perceptron.models.epoch_rows import EpochRows


@pytest.mark.parametrize("n_batches", [3, 1, 10, float("inf")])
def test_rows_come_back_in_their_order_however_many_were_expected(n_batches: float) -> None:
    rows = EpochRows()
    for _ in range(2):
        outputs, target = torch.randn(10, 2), torch.arange(10)
        for start in range(0, 10, 4):
            rows.add(outputs[start : start + 4], target[start : start + 4], n_batches=n_batches)
        found = rows.take()
        assert torch.equal(found[0], outputs)
        assert torch.equal(found[1], target)
        assert found[1].dtype == target.dtype


def test_a_batch_that_is_larger_than_the_first_finds_room() -> None:
    rows = EpochRows()
    for batch in (torch.ones(1), torch.full((9,), 2.0)):
        rows.add(batch, n_batches=2)
    assert rows.take()[0].tolist() == [1.0] + [2.0] * 9


def test_room_for_all_rows_is_taken_once() -> None:
    rows = EpochRows()
    addresses = set()
    for _ in range(5):
        rows.add(torch.ones(4), n_batches=5)
        addresses.add(rows._columns[0].data_ptr())
    assert len(addresses) == 1
    assert len(rows._columns[0]) == 20
