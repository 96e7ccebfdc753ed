"""The benchmarks work: their arithmetic, and every part at a size that says nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PARTS = ("command_line", "figures", "growth", "process", "reuse", "step", "sweeps")


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts find one another beside them."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


@pytest.fixture
def measuring():
    import measuring

    return measuring


@pytest.fixture
def report():
    import report

    return report


def test_sides_are_taken_in_turn_and_every_second_round_backwards(measuring, tmp_path: Path) -> None:
    taken = []
    sides = {name: lambda name=name: taken.append(name) or float(len(taken)) for name in "abc"}
    results = measuring.Results("part", tmp_path)
    comparison = measuring.Comparison(title="letters", unit="s", base="a", sides=sides)
    measuring.measure(comparison, results, rounds=2, warm_up=False)
    assert taken == ["a", "b", "c", "c", "b", "a"]
    (entry,) = json.loads((tmp_path / "part.json").read_text(encoding="utf-8"))["comparisons"]
    assert entry["values"] == {"a": [1.0, 6.0], "b": [2.0, 5.0], "c": [3.0, 4.0]}
    assert measuring.ratios(entry, "c") == [3.0, 4.0 / 6.0]


def test_what_is_broken_off_keeps_what_it_measured(measuring, tmp_path: Path) -> None:
    def stop() -> float:
        raise KeyboardInterrupt

    results = measuring.Results("part", tmp_path)
    sides = {"a": lambda: 1.0, "b": stop}
    with pytest.raises(KeyboardInterrupt):
        measuring.measure(
            measuring.Comparison(title="t", unit="s", base="a", sides=sides), results, rounds=3, warm_up=False
        )
    content = json.loads((tmp_path / "part.json").read_text(encoding="utf-8"))
    assert content["finished"] is False
    assert content["comparisons"][0]["values"] == {"a": [1.0]}
    assert "| t | a | 1 (1 to 1) s | 1 |" in measuring.table([content])


def test_quartiles_of_few_values(measuring) -> None:
    assert measuring.quartiles([2.0]) == (2.0, 2.0, 2.0)
    assert measuring.quartiles([5.0, 1.0, 2.0, 4.0, 3.0]) == (2.0, 3.0, 4.0)


def test_a_base_is_one_of_the_sides(measuring) -> None:
    with pytest.raises(ValueError, match="base must be one of a, got b"):
        measuring.Comparison(title="t", unit="s", base="b", sides={"a": lambda: 1.0})


def test_tables_are_written_between_the_markers_and_nowhere_else(report, tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text(f"before\n{report.START}\nold\n{report.END}\nafter\n", encoding="utf-8")
    for _ in range(2):
        report.replace_between(file, "new")
    assert file.read_text(encoding="utf-8") == f"before\n{report.START}\n\nnew\n\n{report.END}\nafter\n"
    file.write_text("no markers", encoding="utf-8")
    with pytest.raises(ValueError, match="must have the lines"):
        report.replace_between(file, "new")
    for real in ("README.md", "docs/benchmarks.md"):
        assert (ROOT / real).read_text(encoding="utf-8").count(report.START) == 1


def test_the_short_table_has_ratios_to_the_base(report) -> None:
    values = {"peer": [2.0], "python train.py": [3.0]}
    entry = {"title": "whole run, figures=none", "unit": "s", "base": "peer", "values": values}
    machine = {"cores": 2, "processor": "P", "versions": {"torch": "1"}}
    table = report.short_table({"process": {"comparisons": [entry], "machine": machine}})
    assert "| whole run, figures=none | python train.py | peer | 1.50 (1.50 to 1.50) |" in table
    assert report.short_table({}) == "Not measured yet."


def test_limits_of_a_row_by_hand() -> None:
    import growth

    point = {"rows": 10, "features": 3, "width": 4, "batch": 5, "flops_per_second": 1e3, "bytes_per_second": 1e3}
    # Products: 3 * 4 + 4 * 4 + 4 * 2 = 36, three times, without the gradient of the first layer's inputs; two each.
    assert growth.with_limits(point)["floating_point_limit"] == 1e3 / (2 * (3 * 36 - 12))
    assert growth.with_limits(point)["bandwidth_limit"] == 1e3 / (4 * 3 + 8)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", PARTS)
def test_every_part_works_at_a_small_size(part: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, f"benchmarks/{part}.py", "--quick", "--folder", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    content = json.loads((tmp_path / f"{part}.json").read_text(encoding="utf-8"))
    assert content["finished"]
    assert content["machine"]["versions"]["torch"]
    assert content.get("points") or all(entry["values"] for entry in content["comparisons"])
    assert any(tmp_path.glob("growth.png")) or part != "growth"


def test_make_bench_runs_parts_that_are_tested() -> None:
    asked = subprocess.run(
        [sys.executable, "benchmarks", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert all(part in asked for part in set(PARTS) - {"figures"})
