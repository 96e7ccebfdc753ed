"""The files of a user-supplied table, and which of its columns serves which purpose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class TableFiles:
    """Settings of a table in files, whose columns may be of any kind; see ``table_from_files`` for each of them."""

    path: str
    target: Sequence[Any]
    features: Sequence[str] | None = None
    exclude: Sequence[str] | None = None
    group: str | None = None
    time: str | None = None
    weight: str | None = None
    test_path: str | None = None
    most_categories: int = 64
