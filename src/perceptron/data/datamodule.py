"""The LightningDataModule around a table."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import lightning as L
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from perceptron.data.batches import Batch, BatchLoader, RowBatches
from perceptron.data.blocks import Blocks, is_mapped
from perceptron.data.device import DeviceColumns, OnDevice
from perceptron.data.prepare import CellSettings, Dataset, prepare, read_frame
from perceptron.data.scaling import Scaling, Standardize, check_deviation, fit_scaling, report_scaled
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
    ) -> None:
        super().__init__()
        self.dataset = dataset
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
        self._table: Table | None = None
        self._blocks: Blocks | None = None
        self._on_device = DeviceColumns(on_device)
        # What a model knows that other data is for, set before ``setup``: its classes, and how columns become features.
        self.known: TableSchema | None = None
        # Optimizer steps whose batches are handed out as one, see perceptron.callbacks.several_steps.
        self.steps_at_once = 1
        # Whether to make a report of a user-supplied table, see perceptron.data.data_report; and the report, None for a
        # table of numbers.
        self.looks = True
        self.report: dict[str, Any] | None = None

    def setup(self, stage: str | None = None) -> None:  # noqa: ARG002
        """Read the table, split it and fit the standardisation; once, whatever the stage."""
        if self._table is not None:
            return
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
        table, self._split, self.report = prepared.table, prepared.split, prepared.report
        is_regression = table.schema.task == REGRESSION.name
        for name in ("class_weights", "sampling"):
            if is_regression and getattr(self, name) == "balanced":
                raise UsageError(f"data.{name}=balanced needs classes, got a continuous target; leave data.{name} out")
        train = self._split.train
        weights = None if table.weights is None else table.weights[train]
        if weights is not None and not weights.any():
            raise UsageError(
                f"data.weight must be above 0 for a training row, got 0 for all {len(train)} of them; mend the column "
                "or choose other training rows"
            )
        schema = table.schema
        scaling = fit_scaling(
            table.features, rows=train, how=self.standardize, weights=weights, offsets=schema.feature_offsets
        )
        self._features_scaling = scaling if prepared.measured is None else scaling.only(prepared.measured)
        of_target: Standardize = "none" if self.standardize == "none" else "per_feature"
        self._target_scaling = None
        if is_regression:
            self._target_scaling = fit_scaling(
                table.target, rows=train, how=of_target, weights=weights, offsets=schema.target_offsets
            )
        if self.standardize != "per_feature":
            report_scaled(table.features, self._features_scaling, schema.feature_names)
        if of_target == "none" and self._target_scaling is not None:
            report_scaled(table.target, self._target_scaling, schema.target_names)
        self._table = table
        if self.target_deviation is not None and table.target.dtype == np.float32:
            check_deviation(self.target_deviation, schema.target_names)

    def read_frame(self) -> Any:
        """DataFrame of the columns as they were found, of any kind, read again; only where the schema has codes."""
        return read_frame(self.dataset, cells=self.cells, known=self.known)

    @property
    def table(self) -> Table:
        """The whole table, not standardised."""
        if self._table is None:
            self.setup()
        assert self._table is not None  # noqa: S101
        return self._table

    @property
    def schema(self) -> TableSchema:
        """What the columns mean."""
        return self.table.schema

    @property
    def split(self) -> Split:
        """Which rows are in which split."""
        _ = self.table
        return self._split

    @property
    def features_scaling(self) -> Scaling:
        """Mean and scale on training rows of the features less their offsets."""
        _ = self.table
        return self._features_scaling

    @property
    def target_scaling(self) -> Scaling | None:
        """Mean and scale on training rows of a continuous target less its offsets; None for classes."""
        _ = self.table
        return self._target_scaling

    @property
    def target_deviation(self) -> npt.NDArray[np.float64] | None:
        """Standard deviation of each continuous target on training rows, 1 without variance; None for classes."""
        if self.target_scaling is None:
            return None
        return fit_scaling(self.table.target, rows=self.split.train, how="per_feature").scale

    def train_dataloader(self) -> DataLoader[Batch]:
        """Training rows in an order of its own each epoch."""
        return self._loader("train", batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self) -> DataLoader[Batch] | list[Any]:
        """Validation rows in the table's order; an empty list where there are none."""
        return self.eval_dataloader("val") if len(self.split.val) else []

    def test_dataloader(self) -> DataLoader[Batch] | list[Any]:
        """Test rows in the table's order; an empty list where there are none."""
        return self.eval_dataloader("test") if len(self.split.test) else []

    def eval_dataloader(self, split: SplitName) -> DataLoader[Batch]:
        """Rows of a split in the table's order, to be evaluated.

        Raises:
            UsageError: where the split has no rows.
        """
        if not len(self.split.rows(split)):
            raise UsageError(f"split={split} must have rows, got none; set data.{split}_fraction above 0")
        return self._loader(split, batch_size=self.eval_batch_size, shuffle=False)

    def row_batches(self, *, rank: int = 0, world_size: int = 1, device: torch.device | None = None) -> RowBatches:
        """Numbers of the training rows of each batch, within the split; see ``RowBatches``."""
        train = self.split.train
        blocks = None if self.block_size is None else self._starts(torch.from_numpy(train))
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
        )

    def _loader(self, split: SplitName, *, batch_size: int | None, shuffle: bool) -> DataLoader[Batch]:
        columns, device = self._placed(split)
        rows = torch.from_numpy(self.split.rows(split)).to(device=device)
        trainer = self.trainer
        overfits = trainer is not None and trainer.overfit_batches > 0  # type: ignore[attr-defined]
        rank, world_size = (trainer.global_rank, trainer.world_size) if trainer is not None else (0, 1)
        if shuffle and not overfits:
            sampler = self.row_batches(rank=rank, world_size=world_size, device=device)
            sampler.steps_at_once = self.steps_at_once
        else:
            sampler = RowBatches(
                len(rows),
                batch_size=batch_size,
                shuffle=False,
                seed=self.seed,
                rank=rank,
                world_size=world_size,
                device=device,
            )
        loader = BatchLoader(columns, sampler=sampler, rows=rows, num_workers=self.num_workers)
        # With overfit_batches Lightning puts a sampler of rows in the place of any that is not torch's sequential one.
        return DataLoader(list(loader), batch_size=None) if overfits else loader  # type: ignore[arg-type]

    def _starts(self, rows: Tensor) -> Tensor:
        """Where in a split each block of the table starts that has some of its rows."""
        assert self.block_size is not None  # noqa: S101
        ends = torch.arange(0, len(self.table) + self.block_size, self.block_size)
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
        return tuple(column.index_select(0, rows) for column in self._columns(split))

    def _placed(self, split: SplitName) -> tuple[tuple[Tensor | Blocks, ...], torch.device | None]:
        """The columns of ``_columns`` on the device where batches are taken from them; None for where they are."""
        columns = self._columns(split)
        if self.trainer is None or self.num_workers or self.block_size is not None:
            return columns, None
        return self._on_device.placed(columns, self.trainer.strategy.root_device)  # type: ignore[arg-type]

    def _columns(self, split: SplitName) -> tuple[Tensor | Blocks, ...]:
        """Features and target of the whole table, not copied; and the factors, which are 0 outside the split."""
        table = self.table
        columns = [table.features, table.target]
        factors = self._factors(self.split.train) if split == "train" else None
        if factors is not None:
            of_all = np.zeros(len(table), dtype=factors.dtype)
            of_all[self.split.train] = factors
            columns.append(of_all)
        features, *others = columns
        return (self._features(features), *(_shared(column) for column in others))

    def _features(self, features: npt.NDArray[Any]) -> Tensor | Blocks:
        if self.block_size is None or not is_mapped(features):
            return _shared(features)
        if self._blocks is None:
            self._blocks = Blocks(features, size=self.block_size, n_in_memory=self.blocks_in_memory)
        return self._blocks

    def factors(self) -> Tensor | None:
        """Factors ``(n_train,)`` of the training rows' losses, of mean 1; None where each counts alike."""
        factors = self._factors(self.split.train)
        return None if factors is None else _shared(factors)

    def _factors(self, rows: RowNumbers) -> npt.NDArray[Any] | None:
        """Of mean 1, so that the mean weighted loss of all rows is their weighted mean loss."""
        table = self.table
        weights = None if table.weights is None else table.weights[rows]
        if self.class_weights == "balanced" and table.schema.task != REGRESSION.name:
            counts = np.bincount(table.target[rows]).astype(table.features.dtype)
            of_class = 1 / counts[table.target[rows]]
            weights = of_class if weights is None else weights * of_class
        factors: npt.NDArray[Any] | None = None if weights is None else weights / weights.mean()
        return factors


def _shared(array: npt.NDArray[Any]) -> Tensor:
    """A tensor of the same memory. Nothing writes to it, so that a read-only array needs no warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(array))
