"""The LightningDataModule of a table."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import lightning as L
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from perceptron.data.columns.column_table import ColumnTable
from perceptron.data.device import OnDevice
from perceptron.data.fitted_table import FittedTable, fit_table
from perceptron.data.loaders import Batch, BatchLoader
from perceptron.data.prepare import CellSettings, Dataset, prepare, read_frame, read_table
from perceptron.data.row_batches import RowBatches
from perceptron.data.scaling import Scaling, Standardize
from perceptron.data.split_columns import SplitColumns
from perceptron.data.splits import Split
from perceptron.data.table import RowNumbers, Table, TableSchema
from perceptron.errors import UsageError
from perceptron.tasks import REGRESSION, SplitName


class TableDataModule(L.LightningDataModule):
    """Splits a table, fits the standardisation on its training rows, and hands out batches of its rows.

    Args:
        dataset: any function of ``sklearn.datasets`` that yields a table and a target, its arguments bound.
        task: ``binary``, ``multiclass``, ``regression``, or ``auto`` to read it off the target.
        val_fraction: share of all rows for validation; 0 for none.
        test_fraction: share of all rows for the test; 0 for none.
        split_seed: seed of the split, apart from ``seed``, so that another model seed keeps the rows.
        folds: number of folds of a cross-validation, which replaces ``test_fraction``; None for none.
        fold: number of the fold whose rows are the test, from 0.
        standardize: ``per_feature``, ``global`` or ``none``, see ``fit_scaling``.
        batch_size: rows per optimizer step over all processes; None for all training rows.
        eval_batch_size: rows per batch where nothing is trained.
        block_size: rows per block, where only rows of some blocks are shuffled with each other, and only these are in
            memory of a memory-mapped table; None to shuffle all rows.
        blocks_in_memory: number of these blocks.
        class_weights: ``balanced`` to let each class count alike in training, whatever its rows; ``none`` for each row.
        missing: texts that mean a missing value, beside the usual ones, see ``perceptron.data.columns.missing``.
        not_missing: usual texts that are values here.
        date_format: how dates are written, as ``%d/%m/%Y``: of every column whose values all are, or by column, None
            for one that is no date; None to find out what can be read in one way alone.
        missing_target: ``drop`` to leave out rows without a target; ``refuse`` to end with an error.
        sampling: ``balanced`` to draw as many training rows of each class in every epoch, instead of ``class_weights``;
            ``none`` for every row once.
        num_workers: worker processes of each DataLoader.
        on_device: whether the table is copied to the trainer's device once and batches are taken from it there, instead
            of a copy per batch. ``auto`` for a CUDA device that has room for it, see ``has_room``. Needs
            ``num_workers=0`` and ``block_size=None``.
        seed: seed of the order of the training rows.
        known: what a trained model knows that the data is for: its classes, and how columns become features; None to
            fit how columns become features.
        looks: whether to make a report of a user-supplied table, see ``perceptron.data.data_report``.

    Batches are tuples: features ``(batch, n_features)`` float32 and target ``(batch,)`` int64 or ``(batch, n_targets)``
    float32, both less the schema's offsets; and in training factors ``(batch,)`` of each row's loss: the table's
    weights, where it has some, scaled to mean 1 over the training rows; and on several processes weights that make the
    mean over processes the mean over rows where a batch does not divide evenly.
    """

    def __init__(
        self,
        *,
        dataset: Dataset,
        task: str = "auto",
        val_fraction: float = 0.15,
        test_fraction: float = 0.2,
        split_seed: int = 0,
        folds: int | None = None,
        fold: int | None = None,
        standardize: Standardize = "per_feature",
        batch_size: int | None = 32,
        eval_batch_size: int = 4096,
        block_size: int | None = None,
        blocks_in_memory: int = 64,
        missing: Sequence[Any] = (),
        not_missing: Sequence[Any] = (),
        date_format: str | Mapping[str, str | None] | None = None,
        missing_target: str = "refuse",
        class_weights: str = "none",
        sampling: str = "none",
        num_workers: int = 0,
        on_device: OnDevice = "auto",
        seed: int = 0,
        known: TableSchema | None = None,
        looks: bool = True,
    ) -> None:
        super().__init__()
        self.dataset: Any = dataset
        self.task = task
        self.val_fraction = val_fraction
        self.test_fraction = test_fraction
        self.split_seed = split_seed
        self.folds = folds
        self.fold = fold
        self.standardize = standardize
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.block_size = block_size
        self.blocks_in_memory = blocks_in_memory
        self.cells = CellSettings(
            missing=tuple(missing),
            not_missing=tuple(not_missing),
            date_format=date_format,
            missing_target=missing_target,
        )
        self.class_weights = class_weights
        self.sampling = sampling
        self.num_workers = num_workers
        self.on_device = on_device
        self.seed = seed
        self.known = known
        self.looks = looks
        # The report of a user-supplied table, see perceptron.data.data_report; None for a table of numbers.
        self.report: dict[str, Any] | None = None

    def setup(self, stage: str | None = None) -> None:  # noqa: ARG002
        """Read the table, split it and fit the standardisation; once, whatever the stage."""
        _ = self._fitted

    @cached_property
    def _fitted(self) -> FittedTable:
        prepared = prepare(
            self.dataset,
            cells=self.cells,
            task=self.task,
            known=self.known,
            looks=self.looks,
            settings={
                "val_fraction": self.val_fraction,
                "test_fraction": self.test_fraction,
                "split_seed": self.split_seed,
                "folds": self.folds,
                "fold": self.fold,
            },
        )
        self.report = prepared.report
        if prepared.table.schema.task == REGRESSION.name:
            for name in ("class_weights", "sampling"):
                if getattr(self, name) == "balanced":
                    raise UsageError(
                        f"data.{name}=balanced needs classes, got a continuous target; leave data.{name} out"
                    )
        return fit_table(prepared.table, prepared.split, standardize=self.standardize, measured=prepared.measured)

    def read_table(self) -> ColumnTable | Table:
        """The table before its rows are split, read again; several data modules may have it as their data set."""
        return read_table(self.dataset, cells=self.cells, task=self.task, known=self.known)

    def read_frame(self) -> Any:
        """DataFrame of the columns as they were found, of any kind, read again; only where the schema has codes."""
        return read_frame(self.dataset, cells=self.cells, known=self.known)

    @property
    def table(self) -> Table:
        """The whole table, not standardised."""
        return self._fitted.table

    @property
    def schema(self) -> TableSchema:
        """What the columns mean."""
        return self.table.schema

    @property
    def split(self) -> Split:
        """Which rows are in which split."""
        return self._fitted.split

    @property
    def features_scaling(self) -> Scaling:
        """Mean and scale on training rows of the features less their offsets."""
        return self._fitted.features_scaling

    @property
    def target_scaling(self) -> Scaling | None:
        """Mean and scale on training rows of a continuous target less its offsets; None for classes."""
        return self._fitted.target_scaling

    @property
    def target_deviation(self) -> npt.NDArray[np.float64] | None:
        """Standard deviation of each continuous target on training rows, 1 without variance; None for classes."""
        return self._fitted.target_deviation

    @cached_property
    def columns(self) -> SplitColumns:
        """The columns that batches are taken from."""
        return SplitColumns(
            self.table,
            self.split,
            class_weights=self.class_weights,
            block_size=self.block_size,
            blocks_in_memory=self.blocks_in_memory,
            on_device=self.on_device,
        )

    @property
    def rows_per_step(self) -> int:
        """Rows of an optimizer step, over all processes; the last of an epoch may have fewer."""
        return self.batch_size or len(self.split.train)

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps of an epoch."""
        return self.row_batches().n_steps

    @property
    def bytes_per_row(self) -> int:
        """Size of a row's features."""
        return self.table.features.itemsize * self.schema.n_features

    def train_dataloader(self) -> DataLoader[Batch]:
        """Training rows, in another order in each epoch; a batch holds as many steps as the fitted module takes of it.

        With ``overfit_batches`` they are in the table's order.
        """
        trainer: Any = self.trainer
        if trainer is not None and trainer.overfit_batches > 0:
            return self._loader("train", self._in_order("train", self.batch_size))
        module = None if trainer is None else trainer.lightning_module
        return self._loader("train", partial(self.row_batches, steps_per_batch=getattr(module, "steps_per_batch", 1)))

    def val_dataloader(self) -> DataLoader[Batch] | list[Any]:
        """Validation rows in the table's order; an empty list where there are none."""
        return self.eval_dataloader("val") if len(self.split.val) else []

    def test_dataloader(self) -> DataLoader[Batch] | list[Any]:
        """Test rows in the table's order; an empty list where there are none."""
        return self.eval_dataloader("test") if len(self.split.test) else []

    def eval_dataloader(self, split: SplitName, trainer: L.Trainer | None = None) -> DataLoader[Batch]:
        """Rows of a split in the table's order, to be evaluated.

        Args:
            split: of the rows.
            trainer: that evaluates them; None for the one that the data module is attached to.

        Raises:
            UsageError: where the split has no rows.
        """
        if not len(self.split.rows(split)):
            raise UsageError(f"split={split} must have rows, got none; set data.{split}_fraction above 0")
        return self._loader(split, self._in_order(split, self.eval_batch_size), trainer)

    def row_batches(
        self, *, rank: int = 0, world_size: int = 1, device: torch.device | None = None, steps_per_batch: int = 1
    ) -> RowBatches:
        """Numbers of the training rows of each batch, within the split; see ``RowBatches``."""
        train = self.split.train
        blocks = None if self.block_size is None else self._block_starts(torch.from_numpy(train), self.block_size)
        return RowBatches(
            len(train),
            batch_size=self.batch_size,
            shuffle=True,
            seed=self.seed,
            labels=torch.from_numpy(self.table.target[train]) if self.sampling == "balanced" else None,
            rank=rank,
            world_size=world_size,
            blocks=blocks,
            n_together=self.blocks_in_memory,
            device=device,
            steps_per_batch=steps_per_batch,
        )

    def _in_order(self, split: SplitName, batch_size: int | None) -> Callable[..., RowBatches]:
        n_rows = len(self.split.rows(split))
        return partial(RowBatches, n_rows, batch_size=batch_size, shuffle=False, seed=self.seed)

    def _loader(
        self, split: SplitName, batches: Callable[..., RowBatches], trainer: L.Trainer | None = None
    ) -> DataLoader[Batch]:
        """Loader of a split's batches, which the processes of the trainer share."""
        attached: Any = trainer or self.trainer
        rank, world_size, root = 0, 1, None
        if attached is not None:
            rank, world_size, root = attached.global_rank, attached.world_size, attached.strategy.root_device
        columns, device = self.columns.placed(split, None if self.num_workers else root)
        rows = torch.from_numpy(self.split.rows(split)).to(device=device)
        sampler = batches(rank=rank, world_size=world_size, device=device)
        loader = BatchLoader(columns, sampler=sampler, rows=rows, num_workers=self.num_workers)
        if attached is not None and attached.overfit_batches > 0:
            # Lightning then puts a sampler of rows in the place of any that is not torch's sequential one, in
            # evaluations too.
            return DataLoader(list(loader), batch_size=None)  # type: ignore[arg-type]
        return loader

    def _block_starts(self, rows: Tensor, size: int) -> Tensor:
        """Where in a split each block of the table starts that has some of its rows."""
        ends = torch.arange(0, len(self.table) + size, size)
        starts: Tensor = torch.unique(torch.searchsorted(rows, ends))
        return starts

    def row_numbers(self, split: SplitName, *, most: int | None = None) -> RowNumbers:
        """Rows of a split in the table, ascending; of more than ``most``, so many at even distances."""
        rows = self.split.rows(split)
        if most is None or len(rows) <= most:
            return rows
        return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]

    def rows(self, split: SplitName, *, most: int | None = None) -> tuple[Tensor, ...]:
        """Features and target of a split, less their offsets, in the table's order; in training factors of the losses.

        Args:
            split: of which all rows are copied,
            most: or so many at even distances, see ``row_numbers``.
        """
        rows = torch.from_numpy(self.row_numbers(split, most=most))
        return tuple(column.index_select(0, rows) for column in self.columns.of(split))
