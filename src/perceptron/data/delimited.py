"""Delimited text (CSV), checked cell by cell before it is parsed: what a parser would fill in or cut off is refused."""

import bz2
import csv
import gzip
import itertools
import lzma
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

from perceptron.data.missing import USUAL, Missing
from perceptron.errors import UsageError

COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zip")
# What readers of these raise of files that are cut off or none, beside OSError.
DAMAGED = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
# Of 100,000 columns with 160 characters each. A sparse file of gigabytes is one line.
_LONGEST_LINE = 2**24
SEPARATORS = ",;\t|"
# A text of digits with a leading zero.
PADDED = r"0\d+"
_HAS_PADDED = re.compile(rf"(?:\A|\0)\s*{PADDED}\s*(?:\0|\Z)")
_QUOTED = re.compile(r'"[^"]*"')


def read_delimited(file: Path, setting: str, missing: Missing = USUAL) -> Any:
    """DataFrame of a CSV file; texts that mean a missing value are missing.

    UTF-8, with or without a byte order mark; lines may end in any way, and be blank; quoted cells may hold separators
    and line ends. Where the separator is not a comma, a comma in a number is its decimal point.

    Args:
        file: also compressed, as its name says.
        setting: that names the file, for messages.
        missing: the texts that mean a missing value.

    Raises:
        UsageError: where a row has more or fewer cells than the first line, a quote is not closed, a column has no name
            of its own, or the text is not UTF-8; it names the line.
    """
    import pandas as pd

    from perceptron.data.cells import with_points

    names, separator, are_padded = _checked(file, setting)
    with opened(file, setting) as stream:
        frame = pd.read_csv(
            stream,
            sep=separator,
            header=0,
            names=names,
            # As numbers they would lose their leading zeros.
            dtype=dict.fromkeys(are_padded, str),
            encoding="utf-8-sig",
            skipinitialspace=True,
            low_memory=False,
            keep_default_na=False,
            na_values={name: list(missing.of(name)) for name in names} if missing.known else list(missing.texts),
        )
    return frame if separator == "," else with_points(frame)


def separator_of(line: str) -> str:
    """The separator that a first line has most of, outside of quotes; a comma where it has none."""
    return max(SEPARATORS, key=_QUOTED.sub("", line).count)


def check_names(names: Sequence[str], file: Path, setting: str) -> None:
    """Check the names of a file's columns; the first may be empty, as pandas and R name the column of row numbers.

    Raises:
        UsageError: where another is missing or one there twice, or all are numbers.
    """
    unnamed = [place for place, name in enumerate(names) if not name and (place > 0 or len(names) == 1)]
    if unnamed:
        raise UsageError(nameless(unnamed[0], file, setting))
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UsageError(f"{setting} must have each column once, got {twice[0]} twice in {file}; rename one")
    if len(names) > 1 and all(_is_number(name) for name in names):
        raise UsageError(
            f"{setting} must have a first line with the columns' names, got numbers alone in {file}; add it"
        )


def nameless(place: int, file: Path, setting: str) -> str:
    """Message for a column without a name that is not one of row numbers."""
    return (
        f"{setting} must have a name for every column, got none for column {place} in {file}; give it one in the first "
        "line, and leave it out with data.exclude if it is none to learn from"
    )


def _checked(file: Path, setting: str) -> tuple[list[str], str, set[str]]:
    """Names and separator of a file whose every row is as long as its first; and which columns have cells like 007."""
    line = 1
    try:
        with opened(file, setting) as stream, TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
            lines = _lines(text, file, setting)
            blank, first = next(((number, one) for number, one in enumerate(lines) if one.strip()), (0, ""))
            if not first:
                raise UsageError(f"{setting} must start with the columns' names, got nothing in {file}; name another")
            line += blank
            separator = separator_of(first)
            rows = csv.reader(itertools.chain([first], lines), delimiter=separator, strict=True, skipinitialspace=True)
            names = [name.strip() for name in next(rows)]
            check_names(names, file, setting)
            line = blank + rows.line_num + 1
            are_padded: set[str] = set()
            for cells in rows:
                # No cell holds a null byte.
                if _HAS_PADDED.search("\0".join(cells)):
                    are_padded |= {name for name, cell in zip(names, cells, strict=False) if _is_padded(cell)}
                # Parsers make no row of a blank line.
                if len(cells) != len(names) and (len(cells) > 1 or (cells and cells[0].strip())):
                    raise UsageError(
                        f"{setting} must have {len(names)} cells in every row, as in its first line, got {len(cells)} "
                        f"in line {line} of {file}; mend it"
                    )
                line = blank + rows.line_num + 1
            return names, separator, are_padded
    except csv.Error as error:
        raise UsageError(
            f"{setting} must have every quote closed at the end of its cell, got {error} in the row that starts in "
            f"line {line} of {file}; mend it, and write a quote inside a cell twice"
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(_not_utf_8(file, setting)) from error


def _lines(text: TextIOWrapper, file: Path, setting: str) -> Iterator[str]:
    """Lines of a file, without a null byte, which readers take for the end of a cell."""
    for number, line in enumerate(iter(partial(text.readline, _LONGEST_LINE), ""), start=1):
        if "\0" in line:
            raise UsageError(
                f"{setting} must be UTF-8 text, got a null byte in line {number} of {file}; save it as UTF-8"
            )
        if len(line) == _LONGEST_LINE:
            raise UsageError(
                f"{setting} must have lines of less than {_LONGEST_LINE:,} characters, got more in line {number} of "
                f"{file}; mend it, or save it as Parquet"
            )
        yield line


def _not_utf_8(file: Path, setting: str) -> str:
    """Says which byte of which line is not UTF-8."""
    with opened(file, setting) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                found = f"the byte 0x{line[error.start]:02x} in line {number} of"
                return f"{setting} must be UTF-8 text, got {found} {file}; save it as UTF-8"
    return f"{setting} must be UTF-8 text, got other bytes in {file}; save it as UTF-8"


@contextmanager
def opened(file: Path, setting: str) -> Iterator[BinaryIO]:
    """The bytes of a file, decompressed as its name says.

    Raises:
        UsageError: where a .zip holds several files, which ``setting`` says.
    """
    kind = file.suffix.lower()
    with ExitStack() as stack:
        if kind == ".zip":
            archive = stack.enter_context(zipfile.ZipFile(file))
            if len(archive.namelist()) != 1:
                raise UsageError(f"{setting} must hold one file in a .zip, got {len(archive.namelist())} in {file}")
            yield stack.enter_context(archive.open(archive.namelist()[0]))  # type: ignore[misc]
        elif kind == ".zst":
            import pyarrow as pa

            raw: Any = stack.enter_context(pa.input_stream(str(file), compression="zstd"))
            yield stack.enter_context(BufferedReader(raw))
        else:
            opener: Any = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}.get(kind, open)
            yield stack.enter_context(opener(file, "rb"))


def _is_padded(cell: str) -> bool:
    return re.fullmatch(PADDED, cell.strip()) is not None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
