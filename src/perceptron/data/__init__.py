"""Tables, their splits and standardisation, and the LightningDataModule around them."""

from perceptron.data.datamodule import TableDataModule
from perceptron.data.from_files import table_from_arrays, table_from_files
from perceptron.data.loaders import Batch, BatchLoader
from perceptron.data.number_table import as_table
from perceptron.data.row_batches import RowBatches
from perceptron.data.scaling import Scaling, fit_scaling
from perceptron.data.sources.origin import origin
from perceptron.data.sources.sklearn_datasets import offline, read
from perceptron.data.splits import Split, split_rows
from perceptron.data.table import Table, TableSchema

__all__ = [
    "Batch",
    "BatchLoader",
    "RowBatches",
    "Scaling",
    "Split",
    "Table",
    "TableDataModule",
    "TableSchema",
    "as_table",
    "fit_scaling",
    "offline",
    "origin",
    "read",
    "split_rows",
    "table_from_arrays",
    "table_from_files",
]
