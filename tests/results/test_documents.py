"""The Python of the documents runs as it stands, in an empty folder."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from perceptron.diagnostics import objections as module_of_objections

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _blocks(name: str) -> list[str]:
    return BLOCK.findall((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "first", "end"), [("docs/python.md", 0, None), ("README.md", 1, 2)])
@pytest.mark.slow
# Several trainings, and the start of Python for each.
@pytest.mark.timeout(900)
def test_the_python_of_a_document_runs(tmp_path: Path, name: str, first: int, end: int | None) -> None:
    blocks = _blocks(name)[first:end]
    assert "perceptron.train(" in blocks[0]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "logs/train/multiruns").is_dir()


def test_the_document_names_every_objection() -> None:
    source = Path(sys.modules[module_of_objections.__module__].__file__ or "").read_text(encoding="utf-8")
    names = set(re.findall(r"Objection\(\n? *\"([a-z ]+)\"", source))
    assert len(names) >= 12
    document = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    table = {name.strip() for row in re.findall(r"^\| (.*?) \|", document, re.MULTILINE) for name in row.split(";")}
    assert names <= table
