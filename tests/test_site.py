"""The documentation as a site (`make docs`): its table of contents is complete, and the reference names what exists."""

import re
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
REFERENCE = (ROOT / "docs/reference.md").read_text(encoding="utf-8")


def _pages(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    else:
        for part in entry.values() if isinstance(entry, dict) else entry:
            yield from _pages(part)


def test_every_page_is_in_the_table_of_contents() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")}
    others = {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/NOTES.md"}
    assert set(_pages(site["nav"])) == pages | others
    assert site["strict"]


@pytest.mark.parametrize("name", re.findall(r"^::: (\S+)$", REFERENCE, re.MULTILINE))
def test_a_name_of_the_reference_exists(name: str) -> None:
    assert resolve_name(name).__doc__
