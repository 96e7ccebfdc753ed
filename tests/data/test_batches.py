import torch

from perceptron.data import BatchLoader, RowBatches


def _loader(*, n_rows: int = 10, batch_size: int | None = 4, shuffle: bool = True, seed: int = 0) -> BatchLoader:
    sampler = RowBatches(n_rows, batch_size=batch_size, shuffle=shuffle, seed=seed)
    return BatchLoader((torch.arange(n_rows).float().unsqueeze(1), torch.arange(n_rows)), sampler=sampler)


def _epoch(loader: BatchLoader, epoch: int) -> list[list[int]]:
    loader.batches.set_epoch(epoch)
    return [target.tolist() for _, target in loader]


def test_a_batch_holds_the_rows_that_the_sampler_names() -> None:
    for features, target in _loader():
        assert features.shape == (len(target), 1)
        assert features.squeeze(1).tolist() == target.tolist()


def test_every_row_comes_once_an_epoch_and_the_last_batch_may_be_smaller() -> None:
    batches = _epoch(_loader(), 0)
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert sorted(row for batch in batches for row in batch) == list(range(10))


def test_order_is_a_function_of_seed_and_epoch_alone() -> None:
    loader = _loader(seed=5)
    torch.manual_seed(1)
    first = [_epoch(loader, epoch) for epoch in range(3)]
    torch.manual_seed(2)
    assert [_epoch(_loader(seed=5), epoch) for epoch in range(3)] == first
    assert first[0] != first[1] != first[2]
    assert _epoch(_loader(seed=6), 0) != first[0]


def test_the_epoch_may_be_announced_after_the_iterator_was_asked_for() -> None:
    # Lightning #21938.
    expected = _epoch(_loader(), 3)
    loader = _loader()
    iterator = iter(loader)
    loader.batches.set_epoch(3)
    assert [target.tolist() for _, target in iterator] == expected


def test_without_shuffling_rows_come_in_their_order() -> None:
    assert _epoch(_loader(shuffle=False), 7) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_full_batch_is_one_batch() -> None:
    assert _epoch(_loader(batch_size=None), 0) == [list(range(10))]


def test_it_goes_on_in_the_middle_of_an_epoch() -> None:
    loader = _loader()
    whole = _epoch(loader, 2)
    loader.batches.set_epoch(2)
    batches = iter(loader)
    next(batches)
    resumed = _loader()
    resumed.load_state_dict(loader.state_dict())
    assert _epoch(resumed, 2) == whole[1:]
    assert _epoch(resumed, 3) == _epoch(loader, 3)


def test_the_state_at_the_end_of_an_epoch_starts_the_next_from_its_first_batch() -> None:
    loader = _loader()
    batches = iter(loader)
    for _ in range(len(loader)):
        next(batches)
    assert loader.state_dict() == {"taken": 0}


def test_processes_share_each_batch_and_their_weighted_means_average_to_its_mean() -> None:
    value = torch.randn(11, generator=torch.Generator().manual_seed(0))
    one = RowBatches(11, batch_size=5, shuffle=True, seed=0)
    several = [RowBatches(11, batch_size=5, shuffle=True, seed=0, rank=rank, world_size=3) for rank in range(3)]
    for rows, *shares in zip(one, *several, strict=True):
        assert isinstance(rows, torch.Tensor)
        means = []
        taken: list[int] = []
        for numbers, weights in shares:
            means.append((value[numbers] * weights).mean())
            taken += numbers[weights > 0].tolist()
        assert sorted(taken) == sorted(rows.tolist())
        torch.testing.assert_close(torch.stack(means).mean(), value[rows].mean())


def _balanced(**settings) -> RowBatches:
    labels = torch.tensor([0] * 70 + [1] * 20 + [2] * 10)[
        torch.randperm(100, generator=torch.Generator().manual_seed(1))
    ]
    return RowBatches(100, **{"batch_size": 8, "shuffle": True, "seed": 3, "labels": labels} | settings)


def _rows(batches: RowBatches, epoch: int) -> torch.Tensor:
    batches.set_epoch(epoch)
    return torch.cat([rows for rows in batches if isinstance(rows, torch.Tensor)])


def test_balanced_sampling_draws_as_many_rows_of_each_class_by_seed_and_epoch() -> None:
    batches = _balanced()
    assert batches.labels is not None
    more = set()
    for epoch in range(20):
        rows = _rows(batches, epoch)
        of_class = torch.bincount(batches.labels[rows]).tolist()
        assert sorted(of_class) == [33, 33, 34]
        more.add(of_class.index(34))
        times = torch.bincount(rows, minlength=100)
        # 33 or 34 draws of 70, 20 and 10 rows.
        for label, allowed in ((0, {0, 1}), (1, {1, 2}), (2, {3, 4})):
            assert set(times[batches.labels == label].tolist()) <= allowed
        assert torch.equal(rows, _rows(_balanced(), epoch))
    assert more == {0, 1, 2}
    assert not torch.equal(_rows(batches, 0), _rows(batches, 1))
    assert not torch.equal(_rows(batches, 0), _rows(_balanced(seed=4), 0))
    # Batches are mixed, and one batch of all is drawn too.
    assert len(set(batches.labels[_rows(batches, 0)[:8]].tolist())) > 1
    assert torch.equal(_rows(_balanced(batch_size=None), 2), _rows(batches, 2))
    assert _rows(_balanced(shuffle=False), 0).tolist() == list(range(100))


def test_balanced_sampling_goes_on_in_the_middle_of_an_epoch() -> None:
    loader = BatchLoader((torch.arange(100),), sampler=_balanced())
    loader.batches.set_epoch(2)
    whole = [batch[0].tolist() for batch in loader]
    batches = iter(loader)
    for _ in range(5):
        next(batches)
    resumed = BatchLoader((torch.arange(100),), sampler=_balanced())
    resumed.load_state_dict(loader.state_dict())
    resumed.batches.set_epoch(2)
    assert [batch[0].tolist() for batch in resumed] == whole[5:]
