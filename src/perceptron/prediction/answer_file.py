"""Predictions written to a CSV or Parquet file, a chunk at a time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from perceptron.files.formulas import without_formula
from perceptron.files.writing import atomic_file


class Writer(Protocol):
    """A writer of record batches."""

    def write_batch(self, batch: Any) -> None:
        """Append rows."""


class Layout:
    """Columns of the answers.

    Row id; for classes the label and ``p_<class>``, the probability of each; for regression a float64 column per
    target, in its units. Of an ensemble also ``spread``, the standard deviation of its members' probabilities of the
    label, or ``spread_<target>``, that of their values.

    Args:
        class_names: one per class; empty for regression.
        target_names: one per target.
        row_id: name of the first column.
        id_type: pyarrow's type of the first column.
        has_spread: whether the predictions are those of an ensemble.
        is_double: whether probabilities and spreads are float64, as for a model in double precision; else float32.
        safe: whether to put an apostrophe before texts that a spreadsheet program would run as formulas.
    """

    def __init__(
        self,
        *,
        class_names: Sequence[str],
        target_names: Sequence[str],
        row_id: str,
        id_type: Any,
        has_spread: bool = False,
        is_double: bool = False,
        safe: bool = False,
    ) -> None:
        self._shown = without_formula if safe else str
        self._classes = pa.array(map(self._shown, class_names), pa.string())
        answers = [("label", pa.string())] if class_names else [(name, pa.float64()) for name in target_names]
        numbers = [f"p_{name}" for name in class_names]
        if has_spread:
            numbers += ["spread"] if class_names else [f"spread_{name}" for name in target_names]
        kind = pa.float64() if is_double else pa.float32()
        columns = [(row_id, id_type), *answers, *((name, kind) for name in numbers)]
        self.schema = pa.schema([(self._shown(name), kind) for name, kind in columns])

    def batch(
        self,
        ids: Any,
        labels: npt.NDArray[Any],
        probabilities: npt.NDArray[Any] | None,
        spread: npt.NDArray[Any] | None = None,
    ) -> Any:
        """Rows of a chunk.

        Args:
            ids: pyarrow array.
            labels: ``(n_rows,)`` class numbers, or ``(n_rows, n_targets)`` values.
            probabilities: ``(n_rows, n_classes)``; None for regression.
            spread: ``(n_rows,)``, or ``(n_rows, n_targets)``; None for a single model.
        """
        if self._shown is not str and pa.types.is_string(ids.type):
            ids = pa.array([None if name is None else self._shown(name) for name in ids.to_pylist()], ids.type)
        spreads = [] if spread is None else list(spread.reshape(len(spread), -1).T)
        if probabilities is None:
            return pa.record_batch([ids, *(pa.array(column) for column in (*labels.T, *spreads))], schema=self.schema)
        names = self._classes.take(pa.array(labels))
        numbers = (pa.array(column) for column in (*probabilities.T, *spreads))
        return pa.record_batch([ids, names, *numbers], schema=self.schema)


@contextmanager
def write_answers(path: Path | None, layout: Layout, *, stdout: BinaryIO | None = None) -> Iterator[Writer]:
    """A writer of record batches, whose file appears whole or not at all.

    Args:
        path: Parquet where its name ends in ``.parquet``, else CSV; None for CSV on ``stdout``.
        layout: columns of the answers.
        stdout: bytes to write to where there is no path.
    """
    if path is None:
        assert stdout is not None  # noqa: S101
        with pa_csv.CSVWriter(stdout, layout.schema) as writer:
            yield writer
        stdout.flush()
        return
    kind = pa_parquet.ParquetWriter if path.suffix == ".parquet" else pa_csv.CSVWriter
    with atomic_file(path) as file, kind(file, layout.schema) as writer:
        yield writer
