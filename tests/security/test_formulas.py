"""Texts that a spreadsheet program would run as formulas."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import Perceptron

from perceptron.files.formulas import without_formula

pytest.importorskip("pyarrow")


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", '=HYPERLINK("http://x")'])
def test_a_formula_becomes_a_text(cell: str) -> None:
    assert without_formula(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "word", "a=b", "-1.5", "+2", "-inf", "1e-3", "-"[:0], "'=1"])
def test_others_stay(cell: str) -> None:
    assert without_formula(cell) == cell


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "rows.csv"
    rows = [f"{i},{i % 7},{'=EVIL()' if i % 2 else '@good'},{'=1+1' if i % 3 else -i}" for i in range(60)]
    path.write_text("\n".join(["a,b,label,name", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("safe", [True, False])
def test_answers(perceptron: Perceptron, trained: Callable[..., Path], table: Path, tmp_path: Path, safe: bool) -> None:
    run = trained(
        "data=table", f"data.path={table}", "data.target=label", "data.exclude=[name]", "trainer.max_epochs=1",
        "logger=none", "figures=none",
    )  # fmt: skip
    output = tmp_path / "answers.csv"
    own = ["safe_csv=true"] if safe else []
    answer = perceptron("predict", f"run={run}", f"input={table}", f"output={output}", "id=name", *own)
    assert answer.status == 0, answer.err
    with output.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["name", "label", "p_=EVIL()", "p_@good"]
    mark = "'" if safe else ""
    assert {row[1] for row in rows} <= {f"{mark}=EVIL()", f"{mark}@good"}
    assert [row[0] for row in rows] == [f"{mark}=1+1" if i % 3 else str(-i) for i in range(60)]


def test_parquet_needs_none(perceptron: Perceptron, table: Path, tmp_path: Path) -> None:
    answer = perceptron("predict", f"input={table}", f"output={tmp_path / 'out.parquet'}", "safe_csv=true")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert "safe_csv=true needs CSV output" in answer.err
    answer = perceptron("predict", f"input={table}", f"output={tmp_path / 'out.csv'}", "safe_csv=maybe")
    assert "safe_csv must be one of true, false, got maybe" in answer.err
