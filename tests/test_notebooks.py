"""The notebooks run from top to bottom, and are kept without outputs."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# `jupyter execute`, by the interpreter of the tests.
_COMMAND = "from nbclient.cli import main; main()"
NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


def _cells(notebook: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_there_are_three() -> None:
    assert len(NOTEBOOKS) == 3


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(notebook: Path) -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in _cells(notebook))
    assert not [cell for cell in _cells(notebook) if "".join(cell["source"]).startswith(("%", "!"))]


@pytest.mark.slow
# Several trainings, and the start of a kernel.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(tmp_path: Path, notebook: Path) -> None:
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    # In a kernel, because rich and matplotlib show tables and figures in another way there.
    # It runs in the folder of its file.
    executed = Path(shutil.copy(notebook, tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND, "--timeout=600", "--inplace", str(executed)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for number, cell in enumerate(_cells(executed)):
        # What a bar leaves when it is removed has no text.
        shown = [_shown(output) for output in cell["outputs"] if output.get("data", {}).get("text/plain")]
        assert len(shown) == len(set(shown)), f"cell {number} shows a table or a figure twice"
        printed = "".join("".join(output["text"]) for output in cell["outputs"] if output["output_type"] == "stream")
        assert "Warning" not in printed, printed
    logs = [path.read_text(encoding="utf-8") for path in tmp_path.glob("logs/train/runs/*/train.log")]
    assert logs
    assert all("\nmetric  " in log and "\nrun folder  " in log for log in logs), "a run's log lacks its results"


def _shown(output: dict[str, Any]) -> str:
    """A table or a figure of a cell; bars, which vanish, differ in the names of their widgets."""
    data = {kind: value for kind, value in output["data"].items() if kind != "text/plain"}
    return json.dumps(data or output["data"], sort_keys=True)
