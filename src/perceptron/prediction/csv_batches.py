"""Batches of a CSV file's columns, read as in training."""

import logging
from collections.abc import Collection, Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow as pa

from perceptron.data.sources.csv_columns import as_numbers, with_points, without
from perceptron.data.sources.csv_reader import CsvReader
from perceptron.errors import UsageError
from perceptron.prediction.column_names import check_columns, check_count

log = logging.getLogger(__name__)


def csv_batches(
    stream: BinaryIO,
    *,
    source: str,
    features: Sequence[str],
    is_encoded: bool,
    row_id: str | None,
    ignored: Collection[str],
) -> Iterator[tuple[Any, Any]]:
    """Record batches of the features, as float64 or as texts, and the rows' names as texts; None without ``row_id``.

    Args:
        stream: of bytes.
        source: name of the stream, for messages.
        features: columns, by name; by their order if the first row holds numbers.
        is_encoded: whether columns are texts that become features later; others of the file are left out then.
        row_id: column that names the rows; None for none.
        ignored: columns to leave out.

    Raises:
        UsageError: if columns are missing or extra, or a cell is not a number; see also ``CsvReader``.
    """
    reader = CsvReader(stream, source=source, setting="input")
    if not reader.first_row:
        return
    if reader.has_names:
        names = [cell.strip() for cell in reader.first_row]
        left_out = [*ignored, *(names if is_encoded else [])]
        if not names[0]:
            log.warning("the first column of %s has no name: it is left out", source)
            left_out.append("")
        check_columns(names, wanted=features, row_id=row_id, ignored=left_out, source=source)
    elif row_id or ignored or is_encoded:
        raise UsageError(
            f"id, ignore and columns of texts need a first line with the columns' names, got none in {source}; add it"
        )
    else:
        names = list(features)
        check_count(len(reader.first_row), wanted=features, source=source)
    wanted = dict.fromkeys([*features, *([row_id] if row_id else [])])
    first_row = 0
    for batch in reader.batches(names, wanted=list(wanted), from_first_row=not reader.has_names):
        columns = [with_points(batch.column(name), reader.separator) for name in features]
        if not is_encoded:
            columns = [_numbers(texts, name, first_row, source) for texts, name in zip(columns, features, strict=True)]
        yield pa.record_batch(columns, names=list(features)), batch.column(row_id) if row_id else None
        first_row += batch.num_rows


def _numbers(texts: Any, name: str, first_row: int, source: str) -> Any:
    """float64, null for an empty text."""
    texts = without(texts, ("",))
    numbers = as_numbers(texts)
    if numbers is None:
        row = next(i for i in range(len(texts)) if as_numbers(texts.slice(i, 1)) is None)
        raise UsageError(
            f"every column must be numeric, got {texts[row].as_py()!r} in column {name}, row {first_row + row}, in "
            f"{source}; encode it as numbers"
        )
    return numbers
