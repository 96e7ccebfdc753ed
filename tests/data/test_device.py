"""Tables on a device. ``meta`` stands for a GPU where there is none: its tensors have a shape and no values."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris

from perceptron.data import TableDataModule
from perceptron.data import device as module
from perceptron.data.device import has_room

META = torch.device("meta")
CUDA = pytest.param(
    "cuda", marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]
)


def _data(device: torch.device, *, world_size: int = 1, **settings) -> TableDataModule:
    """As Lightning leaves it to a trainer on that device."""
    data = TableDataModule(dataset=load_iris, **settings)
    strategy = SimpleNamespace(root_device=device)
    data.trainer = SimpleNamespace(
        strategy=strategy, overfit_batches=0, lightning_module=None, global_rank=0, world_size=world_size
    )
    return data


def test_every_loader_takes_its_batches_from_one_copy_on_the_device() -> None:
    data = _data(META, on_device=True, class_weights="balanced")
    loaders = [data.train_dataloader(), data.val_dataloader(), data.eval_dataloader("train")]
    batches = [next(iter(loader)) for loader in loaders]
    assert [[tuple(column.shape) for column in batch] for batch in batches] == [
        [(32, 4), (32,), (32,)], [(23, 4), (23,)], [(97, 4), (97,), (97,)],
    ]  # fmt: skip
    assert all(column.device == META for batch in batches for column in batch)
    first, *others = [loader.dataset.tensors[:2] for loader in loaders]
    assert all(one is other for columns in others for one, other in zip(first, columns, strict=True))
    # Nothing is left to copy in a step.
    for loader in loaders:
        assert loader.dataset.rows.device == META
        assert next(iter(loader.batches)).device == META
    # What figures are drawn of stays on the CPU.
    assert {column.device.type for column in data.rows("val")} == {"cpu"}


def test_the_shares_of_processes_are_on_the_device_with_their_weights() -> None:
    for batch in _data(META, on_device=True, world_size=3, batch_size=50).train_dataloader():
        assert [column.device for column in batch] == [META] * 3


@pytest.mark.parametrize(
    ("settings", "room", "expected"),
    [
        ({}, True, "meta"),
        ({}, False, "cpu"),
        ({"on_device": True}, False, "meta"),
        ({"on_device": False}, True, "cpu"),
        ({"num_workers": 1}, True, "cpu"),
        ({"block_size": 10}, True, "cpu"),
    ],
)
def test_auto_needs_room_and_takes_no_table_that_is_read_elsewhere(
    settings, room: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(module, "has_room", lambda device, n_bytes: asked.append((device, n_bytes)) or room)
    loader = _data(META, **settings).train_dataloader()
    assert {column.device.type for column in loader.dataset.tensors} == {expected}
    # Features of 4 bytes, a target of 8, row numbers and an order of 8 each.
    assert asked == ([] if settings else [(META, 150 * (4 * 4 + 8 + 16))])


def test_there_is_room_in_half_of_what_a_cuda_device_has_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (100, 1000))  # noqa: ARG005
    assert has_room(torch.device("cuda:0"), 50)
    assert not has_room(torch.device("cuda:0"), 51)
    assert not has_room(torch.device("cpu"), 1)


def test_the_room_is_asked_for_once_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is copied takes room itself.
    answers = iter([True, False])
    monkeypatch.setattr(module, "has_room", lambda *_: next(answers))
    data = _data(META)
    assert data.train_dataloader().dataset.tensors[0] is data.eval_dataloader("val").dataset.tensors[0]


@pytest.mark.parametrize("on_device", [True, "auto"])
def test_on_a_cpu_nothing_is_copied(on_device) -> None:
    features, target = load_iris(return_X_y=True)
    features = features.astype(np.float32)
    data = _data(torch.device("cpu"), on_device=on_device)
    data.dataset = lambda: (features, target)
    assert data.train_dataloader().dataset.tensors[0].data_ptr() == features.ctypes.data


@pytest.mark.parametrize("device", ["cpu", CUDA])
def test_batches_on_the_device_hold_the_same_numbers(device: str) -> None:
    there, here = (
        _data(torch.device(device, 0), on_device=on_device, class_weights="balanced") for on_device in (True, False)
    )
    for loaders in (
        (data.train_dataloader() for data in (there, here)),
        (data.val_dataloader() for data in (there, here)),
    ):
        for one, other in zip(*loaders, strict=True):
            for column, expected in zip(one, other, strict=True):
                assert column.device.type == device
                assert torch.equal(column.cpu(), expected)
