"""The reader of delimited text (CSV) for training and prediction.

It refuses what other readers pad, cut off or skip: pandas fills short rows, pyarrow reads past an open quote, and both
keep null bytes.
"""

import codecs
import csv
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from io import StringIO
from typing import BinaryIO

import pyarrow as pa

from perceptron.errors import UsageError

SEPARATORS = ",;\t|"
# 100,000 columns with 160 characters each. Without a limit, a sparse file of gigabytes would be read as one line.
_LONGEST_LINE = 2**24
_CHUNK_BYTES = 2**20
# Of a file; as Python's objects, the cells take about ten times as many.
_BATCH_BYTES = 2**22
_QUOTED = re.compile(r'"[^"]*"')
# A quote that opens a cell; others belong to the text of their cell.
_OPENS_A_CELL = re.compile(r'(?:^|[,;\t|]) *"')
# How the error handler "surrogateescape" decodes a byte that is not UTF-8.
_NOT_UTF_8 = re.compile("[\udc80-\udcff]")


class CsvReader:
    """Rows of delimited text, each checked, in batches of bounded size.

    The text is UTF-8, with or without a byte order mark. Lines may end in any way and may be blank; quoted cells may
    hold separators and line ends.

    Args:
        stream: bytes of the text.
        source: name of the stream, for messages.
        setting: that names the stream; messages start with it.

    Attributes:
        separator: character between the cells, found in the first row.
        first_row: cells of the first row that is not blank, usually the columns' names; empty if there are no rows.

    Raises:
        UsageError: here or while rows are read, if a row has more or fewer cells than the first, a quote is not closed,
            a line is too long, or the text is not UTF-8; the message names the line.
    """

    def __init__(self, stream: BinaryIO, *, source: str, setting: str) -> None:
        self._stream = stream
        self._source = source
        self._setting = setting
        self._last_line = ""
        self._n_bytes = 0
        lines = self._checked_lines()
        head, n_blank = _first_lines(lines)
        self.separator = separator_of("".join(head))
        self._rows = self._checked_rows(itertools.chain(head, lines), n_blank)
        self.first_row = next(self._rows, [])

    @property
    def has_names(self) -> bool:
        """Whether the first row is not one of numbers."""
        return not _are_numbers(self.first_row, self.separator)

    def batches(
        self, names: Sequence[str], *, wanted: Sequence[str], from_first_row: bool = False
    ) -> Iterator[pa.RecordBatch]:
        """Batches of texts: the cells as they are written, without the quotes.

        Args:
            names: of all columns, in the order of the cells.
            wanted: names of the columns to read.
            from_first_row: whether the first row is read as well, because it does not hold names.
        """
        places = {name: place for place, name in enumerate(names)}
        schema = pa.schema([(name, pa.string()) for name in wanted])
        # Cells of one row after another: lists of rows would keep the garbage collector busy.
        cells = list(self.first_row) if from_first_row else []
        self._n_bytes = 0

        def batch() -> pa.RecordBatch:
            columns = [pa.array(cells[places[name] :: len(names)], pa.string()) for name in wanted]
            return pa.record_batch(columns, schema=schema)

        for row in self._rows:
            cells += row
            if self._n_bytes > _BATCH_BYTES:
                yield batch()
                cells = []
                self._n_bytes = 0
        if cells:
            yield batch()

    def _checked_lines(self) -> Iterator[str]:
        """Lines with their ends."""
        number = 1
        rest = ""
        decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        for chunk in iter(partial(self._stream.read, _CHUNK_BYTES), b""):
            self._n_bytes += len(chunk)
            text = rest + decoder.decode(chunk)
            self._check_characters(text, number)
            lines = list(StringIO(text, newline=""))
            rest = lines.pop() if lines else ""
            if len(rest) >= _LONGEST_LINE:
                raise UsageError(
                    f"{self._setting} must have lines of less than {_LONGEST_LINE:,} characters, got more in line "
                    f"{number + len(lines)} of {self._source}; mend it, or save it as Parquet"
                )
            number += len(lines)
            for line in lines:
                self._last_line = line
                yield line
        rest += decoder.decode(b"", final=True)
        self._check_characters(rest, number)
        for line in StringIO(rest, newline=""):
            self._last_line = line
            yield line

    def _check_characters(self, text: str, first_line: int) -> None:
        """Refuse null bytes and bytes that are not UTF-8.

        Args:
            text: to check.
            first_line: number of its first line.
        """
        if "\0" not in text and (text.isascii() or not _NOT_UTF_8.search(text)):
            return
        for number, line in enumerate(StringIO(text, newline=""), start=first_line):
            found = _NOT_UTF_8.search(line)
            what = f"the byte 0x{ord(found[0]) - 0xDC00:02x}" if found else "a null byte" if "\0" in line else ""
            if what:
                raise UsageError(
                    f"{self._setting} must be UTF-8 text, got {what} in line {number} of {self._source}; save it as "
                    "UTF-8"
                )

    def _checked_rows(self, lines: Iterable[str], n_blank: int) -> Iterator[list[str]]:
        """Cells of each row; blank lines are no rows.

        Args:
            lines: from the first that is not blank.
            n_blank: number of lines before it.
        """
        rows = csv.reader(lines, delimiter=self.separator, strict=True, skipinitialspace=True)
        width, line = 0, n_blank + 1
        try:
            for cells in rows:
                width = width or len(cells)
                if width == 1 or len(cells) != width:
                    # A blank line and the quoted empty text "" have the same cells.
                    is_blank = len(cells) <= 1 and not self._last_line.strip()
                    if not is_blank and len(cells) != width:
                        raise UsageError(
                            f"{self._setting} must have {width} cells in every row, as in its first line, got "
                            f"{len(cells)} in line {line} of {self._source}; mend it"
                        )
                    if not is_blank:
                        yield cells
                else:
                    yield cells
                line = n_blank + rows.line_num + 1
        except csv.Error as error:
            raise UsageError(
                f"{self._setting} must have every quote closed at the end of its cell, got {error} in the row that "
                f"starts in line {line} of {self._source}; mend it, and write a quote inside a cell twice"
            ) from error


def separator_of(first_row: str) -> str:
    """The separator that the first row has most of, outside of quotes; a comma if it has none.

    A row of numbers may have more decimal commas than separators: any other separator between numbers wins.
    """
    for separator in SEPARATORS[1:]:
        if separator in first_row and _are_numbers(next(_cells(first_row, separator), []), separator):
            return separator
    return max(SEPARATORS, key=_QUOTED.sub("", first_row).count)


def _cells(text: str, separator: str) -> Iterator[list[str]]:
    return csv.reader([text], delimiter=separator, skipinitialspace=True)


def _are_numbers(cells: Iterable[str], separator: str) -> bool:
    try:
        for cell in cells:
            float(cell if separator == "," else cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _first_lines(lines: Iterable[str]) -> tuple[list[str], int]:
    """Lines of the first row that is not blank, several if a quote is open, and the number of blank lines before it."""
    head: list[str] = []
    n_blank = n_quotes = 0
    for line in lines:
        if not head and not line.strip():
            n_blank += 1
            continue
        head.append(line)
        n_quotes += line.count('"')
        if n_quotes % 2 == 0 or not _OPENS_A_CELL.search(head[0]):
            break
    return head, n_blank
