"""Which rows make which batch: an order that is a function of the seed and the epoch."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import Sampler

from perceptron.randomness import Stream, derive_seed

Rows = Tensor | tuple[Tensor, Tensor]


class RowBatches(Sampler[Rows]):
    """Row numbers of each batch of an epoch; with weights where processes share the batches of a training epoch.

    The processes' gradients are averaged with equal weight, whatever their shares of a batch. So a row weighs
    ``world_size * share / batch``: then the mean over processes of the weighted means is the mean over the batch, and
    a process without a row takes part with weight 0.

    The order is a function of ``seed`` and of the epoch that Lightning announces through ``set_epoch``. Lightning
    asks for the iterator before it announces the epoch (Lightning #21938), so nothing is drawn before the first
    batch is asked for.

    Args:
        n_rows: number of rows, numbered from 0.
        batch_size: rows per batch over all processes; None for all rows in one. The last batch may be smaller.
        shuffle: whether the order changes with the epoch.
        seed: seed of the order.
        labels: ``(n_rows,)`` int64; where they are given and it shuffles, each epoch draws as many rows of each class:
            of a rare class each row several times, of a frequent one some of them. None for every row once.
        rank: number of this process. Of each batch it gets every ``world_size``-th row.
        world_size: number of processes.
        blocks: ``(n_blocks + 1,)`` int64, where blocks of consecutive rows start, and the number of rows: only rows of
            ``n_together`` blocks, drawn anew each epoch, are shuffled with each other. None to shuffle all rows.
        n_together: number of blocks whose rows are shuffled with each other.
        device: where the row numbers are handed out. They are drawn on the CPU: the same order on every device.
        steps_per_batch: optimizer steps whose rows are handed out as one batch, in the same order.
    """

    def __init__(
        self,
        n_rows: int,
        *,
        batch_size: int | None,
        shuffle: bool,
        seed: int,
        labels: Tensor | None = None,
        rank: int = 0,
        world_size: int = 1,
        blocks: Tensor | None = None,
        n_together: int = 1,
        device: torch.device | None = None,
        steps_per_batch: int = 1,
    ) -> None:
        self.device = device
        self.blocks = blocks
        self.n_together = n_together
        self.n_rows = n_rows
        self.batch_size = batch_size or max(n_rows, 1)
        self.shuffle = shuffle
        self.seed = seed
        self.labels = labels
        self.rank = rank
        self.world_size = world_size
        self.steps_per_batch = steps_per_batch
        self.epoch = 0
        self.n_skipped = 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch the next iteration is for."""
        self.epoch = epoch

    @property
    def n_steps(self) -> int:
        """Optimizer steps of an epoch."""
        return -(-self.n_rows // self.batch_size)

    def skip(self, n_batches: int) -> None:
        """Let the next iteration, and no later one, leave out its first batches."""
        self.n_skipped = n_batches

    def __len__(self) -> int:
        return -(-self.n_steps // self.steps_per_batch)

    def __iter__(self) -> Iterator[Rows]:
        # The whole epoch's at once, so that a step waits for no copy.
        order = self.order().to(self.device)
        first, self.n_skipped = self.n_skipped, 0
        size = self.batch_size * self.steps_per_batch
        for batch in range(first, len(self)):
            rows = order[batch * size : (batch + 1) * size]
            yield self._share(rows) if self.world_size > 1 else rows

    def _share(self, rows: Tensor) -> Rows:
        share = rows[self.rank :: self.world_size]
        if not self.shuffle:
            return share
        weight = self.world_size * len(share) / len(rows)
        if not len(share):
            share = rows[:1]
        return share, torch.full((len(share),), weight, device=share.device)

    def sizes(self) -> list[int]:
        """Rows of each batch over all processes."""
        return [min(self.batch_size, self.n_rows - start) for start in range(0, self.n_rows, self.batch_size)]

    def order(self) -> Tensor:
        """Row numbers ``(n_rows,)`` int64 of the epoch's batches, one after another, on the CPU."""
        if not self.shuffle or (self.labels is None and self.batch_size >= self.n_rows):
            return torch.arange(self.n_rows)
        generator = torch.Generator().manual_seed(derive_seed(self.seed, Stream.ROW_ORDER, self.epoch))
        if self.labels is not None:
            return _balanced(self.labels, generator)
        if self.blocks is not None and len(self.blocks) - 1 > self.n_together:
            return _by_blocks(self.blocks, self.n_together, generator)
        return torch.randperm(self.n_rows, generator=generator)


def _by_blocks(bounds: Tensor, n_together: int, generator: torch.Generator) -> Tensor:
    """Blocks in random order, so many at a time, and their rows in random order."""
    order = []
    for drawn in torch.split(torch.randperm(len(bounds) - 1, generator=generator), n_together):
        rows = torch.cat([torch.arange(int(bounds[i]), int(bounds[i + 1])) for i in drawn])
        order.append(rows[torch.randperm(len(rows), generator=generator)])
    return torch.cat(order)


def _balanced(labels: Tensor, generator: torch.Generator) -> Tensor:
    """As many rows as there are, of each class as many as of any other or one more, in random order.

    Within a class every row is drawn as often as any other or once more, which varies less than draws with replacement.
    """
    classes: Tensor = labels.unique()  # type: ignore[no-untyped-call]
    share, rest = divmod(len(labels), len(classes))
    has_more = torch.randperm(len(classes), generator=generator) < rest
    drawn = []
    for label, more in zip(classes, has_more.tolist(), strict=True):
        rows = torch.nonzero(labels == label).squeeze(1)
        wanted = share + more
        rounds = [rows[torch.randperm(len(rows), generator=generator)] for _ in range(-(-wanted // len(rows)))]
        drawn += [torch.cat(rounds)[:wanted]] if rounds else []
    order = torch.cat(drawn)
    return order[torch.randperm(len(order), generator=generator)]
