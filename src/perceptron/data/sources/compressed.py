"""Compressed files, opened by the ending of their name."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

from perceptron.errors import UsageError

COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zip")
# What decompressors raise, beside OSError, for files that are truncated or of another format.
DAMAGED = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


@contextmanager
def opened(file: Path, setting: str) -> Iterator[BinaryIO]:
    """The decompressed bytes of a file.

    Args:
        file: of any of the endings ``COMPRESSED``, or of another one, which is not decompressed.
        setting: that names the file, for messages.

    Raises:
        UsageError: if a .zip archive does not hold exactly one file.
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
