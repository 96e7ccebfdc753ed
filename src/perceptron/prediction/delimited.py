"""Delimited text (CSV), a chunk at a time: what ``perceptron.data.delimited`` reads whole is the same here."""

import codecs
import csv
import io
import logging
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pa_compute
import pyarrow.csv as pa_csv

from perceptron.data.delimited import SEPARATORS, separator_of
from perceptron.errors import UsageError
from perceptron.prediction.columns import are_numbers, check_columns, check_count

log = logging.getLogger(__name__)
_BLOCK_BYTES = 1 << 21
_LONGEST_FIRST_LINE = 1 << 24
_LINE = re.compile(rb"[^\r\n]*(\r\n|\r|\n)?")
_DECIMAL_COMMA = r"^([+-]?\d*),(\d+(?:[eE][+-]?\d+)?)$"
# Not at the start of its cell, where a parser would have taken the quotes.
_QUOTED_BEHIND_BLANKS = r'(?s)^\s+"(.*)"\s*$'


def delimited_batches(
    stream: BinaryIO,
    *,
    source: str,
    features: Sequence[str],
    is_encoded: bool,
    row_id: str | None,
    ignored: Collection[str],
    told: Callable[[int], None],
) -> Iterator[Any]:
    """Record batches with the features, as float64 or as texts, and the rows' names as texts.

    Args:
        stream: of bytes; it is closed.
        source: where it comes from, for messages.
        features: columns, by name; where the first line holds numbers alone, by their order.
        is_encoded: whether columns are texts that become features later; others of the file are left out then.
        row_id: column that names the rows; None for none.
        ignored: columns to be left out.
        told: called with the number of bytes that are read.

    Raises:
        UsageError: where columns are missing or extra, or a cell is no number.
        pyarrow.ArrowException: where rows are of different lengths, and for what else pyarrow cannot read.
    """
    with stream:
        first, rest = _first_row(stream)
        text = first.decode("utf-8-sig").rstrip("\r\n")
        separator = _separator_of(text)
        cells = _cells(text, separator)
        if not cells:
            raise UsageError(f"input must have rows, got none in {source}; name another file")
        has_names = not _are_numbers(cells, separator)
        names = [cell.strip() for cell in cells] if has_names else list(features)
        if has_names:
            left_out = [*ignored, *(names if is_encoded else [])]
            if not names[0]:
                log.warning("the first column of %s has no name: it is left out", source)
                left_out.append("")
            check_columns(names, wanted=features, row_id=row_id, ignored=left_out, source=source)
        elif row_id or ignored or is_encoded:
            raise UsageError(
                f"id, ignore and columns of texts need a first line with the columns' names, got none in {source}; "
                "add it"
            )
        else:
            check_count(len(cells), wanted=features, source=source)
        # A number may be written with a point or a comma, which pyarrow reads in one way for all.
        as_texts = is_encoded or separator != ","
        types = dict.fromkeys(features, pa.string() if as_texts else pa.float64())
        types |= {row_id: pa.string()} if row_id else {}
        try:
            reader = pa_csv.open_csv(
                io.BufferedReader(_Counted(rest if has_names else first + rest, stream, told), _BLOCK_BYTES),
                # One thread: then a message has the row's number.
                pa_csv.ReadOptions(column_names=names, block_size=_BLOCK_BYTES, use_threads=False),
                parse_options=pa_csv.ParseOptions(
                    delimiter=separator, newlines_in_values=is_encoded, invalid_row_handler=_blank_or_wrong
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types=types,
                    include_columns=list(types),
                    null_values=[""],
                    strings_can_be_null=as_texts,
                ),
            )
        except pa.ArrowInvalid as error:
            if "Empty CSV" in str(error):
                return
            raise
        n_rows = 0
        for batch in reader:
            if is_encoded:
                yield _mended(batch, features, separator, missing=())
            elif as_texts:
                yield _numbers(_mended(batch, features, separator, missing=("",)), features, n_rows, source)
            else:
                yield batch
            n_rows += batch.num_rows


def _first_row(stream: BinaryIO) -> tuple[bytes, bytes]:
    """The first row that is not blank, over more than one line where a quote is open; and what was read beyond it."""
    row = data = b""
    while len(row) < _LONGEST_FIRST_LINE and (data := data or stream.readline(_LONGEST_FIRST_LINE)):
        line = _LINE.match(data)
        assert line is not None  # noqa: S101
        row, data = row + line[0], data[line.end() :]
        if not row.removeprefix(codecs.BOM_UTF8).strip():
            row = b""
        elif row.count(b'"') % 2 == 0:
            break
    return row, data


def _separator_of(text: str) -> str:
    """The separator of the first row; without names it may have more decimal commas than cells."""
    others = [one for one in SEPARATORS if one != "," and one in text and _are_numbers(_cells(text, one), one)]
    return others[0] if others else separator_of(text)


def _cells(text: str, separator: str) -> list[str]:
    return next(csv.reader([text], delimiter=separator, skipinitialspace=True), [])


def _are_numbers(cells: Sequence[str], separator: str) -> bool:
    return are_numbers(cell if separator == "," else cell.replace(",", ".") for cell in cells)


class _Counted(io.RawIOBase):
    """A stream with bytes put back in front, that tells how much was read."""

    def __init__(self, head: bytes, stream: BinaryIO, told: Callable[[int], None]) -> None:
        self._head = head
        self._stream = stream
        self._told = told
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._head[: len(buffer)] or self._stream.read(len(buffer))
        self._head = self._head[len(data) :]
        buffer[: len(data)] = data
        self._read += len(data)
        self._told(self._read)
        return len(data)


def _blank_or_wrong(row: Any) -> str:
    """Rows of blanks are none; others of a wrong length are an error."""
    return "error" if row.text.strip() else "skip"


def _mended(batch: Any, features: Sequence[str], separator: str, *, missing: Sequence[str]) -> Any:
    """Texts without blanks around them, missing where they say so, and with points for decimal commas."""
    for name in features:
        raw = batch.column(name)
        texts = pa_compute.utf8_trim_whitespace(raw)
        is_quoted = pa_compute.match_substring_regex(raw, _QUOTED_BEHIND_BLANKS)
        if pa_compute.any(is_quoted).as_py():
            inside = pa_compute.replace_substring_regex(raw, _QUOTED_BEHIND_BLANKS, r"\1")
            texts = pa_compute.if_else(is_quoted, pa_compute.replace_substring(inside, '""', '"'), texts)
        texts = pa_compute.if_else(pa_compute.is_in(texts, value_set=pa.array(missing, pa.string())), None, texts)
        if separator != ",":
            texts = pa_compute.replace_substring_regex(texts, _DECIMAL_COMMA, r"\1.\2")
        batch = batch.set_column(batch.schema.get_field_index(name), name, texts)
    return batch


def _numbers(batch: Any, features: Sequence[str], first_row: int, source: str) -> Any:
    """Texts as float64."""
    for name in features:
        texts = batch.column(name)
        try:
            numbers = texts.cast(pa.float64())
        except pa.ArrowInvalid as error:
            row = next(i for i, text in enumerate(texts) if not _is_number(text))
            raise UsageError(
                f"every column must be numeric, got {texts[row].as_py()!r} in column {name}, row {first_row + row}, "
                f"in {source}; encode it as numbers"
            ) from error
        batch = batch.set_column(batch.schema.get_field_index(name), name, numbers)
    return batch


def _is_number(text: Any) -> bool:
    try:
        text.cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True
