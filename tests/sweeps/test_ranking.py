import csv
import io
import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from scipy import stats
from tests.sweeps.written_runs import MakeRun, writer_of_runs

from perceptron.errors import UsageError
from perceptron.runs.folder import Run
from perceptron.sweeps.finished_runs import FinishedRun, differing_settings, read_finished_run
from perceptron.sweeps.ranking import rank
from perceptron.sweeps.ranking_table import ranking_table
from perceptron.sweeps.summary_files import markdown, write_summary
from perceptron.sweeps.terminal_tables import print_rankings


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    return writer_of_runs(tmp_path)


def read(*folders: Path) -> list[FinishedRun]:
    return [read_finished_run(Run(folder)) for folder in folders]


def score(loss: float, acc: float = 0.9) -> dict[str, float | None]:
    return {"val/loss": loss, "test/acc": acc}


def test_seeds_are_aggregated_and_settings_ranked(make_run: MakeRun) -> None:
    runs = [make_run(f"a{seed}", metrics=score(0.2 + seed / 10), lr=0.1, seed=seed) for seed in (0, 1)]
    runs += [make_run(f"b{seed}", metrics=score(0.1 + seed / 10), lr=0.2, seed=seed) for seed in (0, 1)]
    (ranking,) = rank(read(*runs))
    assert ranking.columns == ["optimizer.lr"]
    assert [row.setting["optimizer.lr"] for row in ranking.rows] == ["0.2", "0.1"]
    assert [row.estimate("val/loss").mean for row in ranking.rows] == pytest.approx([0.15, 0.25])
    assert ranking.rows[0].comparison is None
    assert ranking.rows[1].comparison is not None
    assert ranking.rows[1].comparison.difference == pytest.approx(0.1)


def test_a_metric_of_the_users_is_ranked_as_its_runs_say(make_run: MakeRun) -> None:
    runs = [
        make_run(f"run{skill}", metrics=score(0.1) | {"test/skill": skill}, lr=skill, directions={"skill": "max"})
        for skill in (0.2, 0.9, 0.5)
    ]
    (ranking,) = rank(read(*runs), by="test/skill")
    assert [row.setting["optimizer.lr"] for row in ranking.rows] == ["0.9", "0.5", "0.2"]


def test_a_direction_that_nobody_says_is_not_guessed(make_run: MakeRun) -> None:
    runs = [make_run(f"run{skill}", metrics=score(0.1) | {"test/skill": skill}, lr=skill) for skill in (0.2, 0.9)]
    line = (
        "whether a larger test/skill is better must be known, got runs that do not say; "
        "type perceptron compare <folder> by=test/skill mode=max, or mode=min"
    )
    with pytest.raises(UsageError, match=f"^{line}$"):
        rank(read(*runs), by="test/skill")
    for mode, best in (("max", "0.9"), ("min", "0.2")):
        assert rank(read(*runs), by="test/skill", mode=mode)[0].rows[0].setting["optimizer.lr"] == best
    with pytest.raises(UsageError, match=r"^mode must be max for test/acc, got min; leave mode out$"):
        rank(read(*runs), by="test/acc", mode="min")


def test_accuracy_is_ranked_from_above_and_the_undefined_last(make_run: MakeRun) -> None:
    runs = [
        make_run("low", metrics=score(0.1, 0.8), lr=1),
        make_run("high", metrics=score(0.2, 0.9), lr=2),
        make_run("none", metrics={"val/loss": 0.05, "test/acc": None}, lr=3),
    ]
    (ranking,) = rank(read(*runs), by="main")
    assert ranking.ranked_by == "test/acc"
    assert [row.setting["optimizer.lr"] for row in ranking.rows] == ["2", "1", "3"]


def test_folds_and_repeats_are_draws_not_settings(make_run: MakeRun) -> None:
    runs = [
        make_run(f"{split}{fold}", metrics=score(0.1), split_seed=split, folds=2, fold=fold)
        for split in (0, 1)
        for fold in (0, 1)
    ]
    results = read(*runs)
    (ranking,) = rank(results)
    assert differing_settings(results) == []
    assert len(ranking.rows) == 1
    assert ranking.rows[0].estimate("val/loss").n_runs == 4
    # Half of the rows are tested: as many as are not; 15 % are for validation, 35 % for training.
    assert results[0].test_per_train("test/acc") == 1
    assert results[0].test_per_train("val/loss") == pytest.approx(0.15 / 0.35)
    assert results[0].test_per_train("train/loss") == pytest.approx(0.35 / 0.65)
    assert results[0].test_per_train("some_metric") == 1


def test_data_sets_have_tables_of_their_own(make_run: MakeRun) -> None:
    found = rank(read(make_run("a", metrics=score(0.1), data="iris"), make_run("b", metrics=score(0.2), data="wine")))
    assert [ranking.data for ranking in found] == ["iris", "wine"]
    assert all(len(ranking.rows) == 1 for ranking in found)


def test_tables_of_ones_own_are_told_apart_by_their_files(make_run: MakeRun) -> None:
    runs = [make_run(name, metrics=score(0.1), data="table", path=f"{name}.csv") for name in ("a", "b")]
    found = rank(read(*runs))
    assert [ranking.data for ranking in found] == ["table a.csv", "table b.csv"]
    assert [row.comparison for ranking in found for row in ranking.rows] == [None, None]


def test_the_same_fold_of_others_is_no_pair(make_run: MakeRun) -> None:
    runs = [
        make_run(f"{folds}{fold}", metrics=score(0.1 * fold + 0.01 * folds), folds=folds, fold=fold)
        for folds in (2, 3)
        for fold in range(2)
    ]
    (ranking,) = rank(read(*runs))
    assert [row.estimate("val/loss").n_runs for row in ranking.rows] == [2, 2]
    comparison = ranking.rows[1].comparison
    assert comparison is not None
    assert math.isnan(comparison.p)


def test_settings_of_lightning_are_none_of_an_estimators(make_run: MakeRun) -> None:
    runs = [
        make_run("a", metrics=score(0.1), model="sklearn_svc", lr=1),
        make_run("b", metrics=score(0.2), model="sklearn_svc", lr=2, seed=1),
        make_run("c", metrics=score(0.3), lr=1),
    ]
    (ranking,) = rank(read(*runs))
    assert ranking.columns == ["model"]
    assert [len(row.results) for row in ranking.rows] == [2, 1]


@pytest.mark.parametrize(("key", "value"), [("time", "day"), ("test_path", "other.csv")])
def test_splits_that_the_seed_does_not_draw_are_one(make_run: MakeRun, key: str, value: str) -> None:
    runs = [make_run(str(n), metrics=score(0.1 * n), seed=n, split_seed=n, settings={key: value}) for n in range(3)]
    (ranking,) = rank(read(*runs), by="main")
    found = ranking.rows[0].estimate("test/acc")
    assert (found.n, found.over_splits) == (3, False)


def ten(make_run: MakeRun, name: str, losses: Sequence[float], **settings: Any) -> list[Path]:
    return [make_run(f"{name}{i}", metrics=score(loss), seed=i, **settings) for i, loss in enumerate(losses)]


def test_p_is_adjusted_for_all_pairs_since_the_best_was_chosen(make_run: MakeRun) -> None:
    generator = np.random.default_rng(0)
    runs = [run for lr in range(4) for run in ten(make_run, f"{lr}_", generator.normal(lr, 1, 10), lr=lr)]
    (ranking,) = rank(read(*runs))
    values = [list(row.values("val/loss").values()) for row in ranking.rows]
    ps = {
        (i, j): stats.ttest_rel(values[j], values[i]).pvalue for i, j in itertools.combinations(range(len(values)), 2)
    }
    for place, row in enumerate(ranking.rows[1:], start=1):
        assert row.comparison is not None
        assert row.comparison.p == pytest.approx(ps[0, place])
        # Holm by hand: of six pairs, the largest of (number of pairs at least as large) times p up to this one.
        steps = [sum(q >= p for q in ps.values()) * p for p in ps.values() if p <= ps[0, place]]
        assert row.p_holm == pytest.approx(min(1.0, max(steps)))


def test_two_seeds_on_one_split_say_nothing_of_chance(make_run: MakeRun) -> None:
    runs = [
        make_run(f"{lr}{seed}", metrics=score(lr + seed * 1e-3), lr=lr, seed=seed)
        for lr in (0.1, 0.2)
        for seed in (0, 1)
    ]
    text = markdown(rank(read(*runs)))
    assert "0.1005 ± \N{EN DASH}" in text
    assert "| +0.1000 | \N{EN DASH} | \N{EN DASH} |" in text
    assert "too few runs for ± and p: 2 seeds on one split, where 10 are needed" in text
    assert "Nadeau" not in text
    assert "share" not in text


def test_the_deviation_stands_beside_the_metric_that_it_is_of(make_run: MakeRun) -> None:
    runs = [make_run(str(seed), seed=seed, metrics=score(0.1 * seed, acc=0.9)) for seed in range(3)]
    table = ranking_table(rank(read(*runs))[0])
    header, cells = table.header, table.rows[0]
    assert header[header.index("val/loss") :] == ["val/loss", "std", "test/acc", "runs"]
    assert len(cells) == len(header)
    assert cells[header.index("std")] == "0.1000"


def test_the_note_is_that_of_seeds(make_run: MakeRun) -> None:
    text = markdown(rank(read(*ten(make_run, "a", np.linspace(0, 1, 10)))))
    assert "over 10 seeds on one split: it covers other seeds, not other rows" in text
    assert "Nadeau" not in text


def test_the_note_is_that_of_folds(make_run: MakeRun) -> None:
    runs = [
        make_run(f"{repeat}_{fold}", metrics=score(0.1, 0.8 + 0.01 * fold), split_seed=repeat, folds=10, fold=fold)
        for repeat in range(2)
        for fold in range(10)
    ]
    once = markdown(rank(read(*runs[:10]), by="main"))
    assert "over 10 folds, widened for the rows that splits share (Nadeau and Bengio 2003)\n" in once
    assert "no variation: all runs gave the same number" in once
    twice = markdown(rank(read(*runs), by="main"))
    assert "over 2 x 10 folds, widened for the rows that splits share (Nadeau and Bengio 2003), with 9 degrees" in twice


def test_an_incomplete_setting_is_ranked_on_the_runs_it_shares(make_run: MakeRun) -> None:
    # Of lr=0.2 the jobs with high losses failed: better on average, worse on each run that both have.
    losses = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    runs = ten(make_run, "a", losses, lr=0.1)
    runs += ten(make_run, "b", [loss + 0.05 for loss in losses[:3]], lr=0.2)
    (ranking,) = rank(read(*runs))
    assert [row.setting["optimizer.lr"] for row in ranking.rows] == ["0.1", "0.2"]
    assert ranking.rows[1].estimate("val/loss").mean < ranking.rows[0].estimate("val/loss").mean
    comparison = ranking.rows[1].comparison
    assert comparison is not None
    assert comparison.difference == pytest.approx(0.05)
    assert comparison.n_pairs == 3
    text = markdown([ranking])
    assert "| 3 of 10 | +0.0500 |" in text
    assert (
        "not all settings have the same runs: lr=0.2 has 3 of 10 runs. Each of these is ranked by its difference from "
        "lr=0.1 over the runs that both have; its mean is over its own runs"
    ) in text


def test_settings_without_a_common_run_are_said_not_to_be_comparable(make_run: MakeRun) -> None:
    runs = [make_run(f"{lr}{seed}", metrics=score(lr), lr=lr, seed=seed) for lr, seed in ((0.1, 0), (0.2, 1))]
    text = markdown(rank(read(*runs)))
    assert "no seed and split in common with lr=0.1: lr=0.2" in text
    assert " of 2" not in text


def test_an_undefined_number_is_a_dash_with_its_reason(make_run: MakeRun) -> None:
    runs = [make_run("a", metrics=score(0.1), lr=1), make_run("b", metrics={"val/loss": None}, lr=2)]
    text = markdown(rank(read(*runs)))
    assert "| 2 | 2 | \N{EN DASH} | \N{EN DASH} |" in text
    assert "\N{EN DASH} undefined: no run has the metric, or it is not defined on its rows" in text
    assert "nan" not in text


def test_csv_holds_every_metric_in_full(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run(f"{seed}", metrics={"val/loss": 1 / 3, "val/f1": None}, seed=seed) for seed in (0, 1)]
    write_summary(tmp_path, rank(read(*runs)), [])
    (row,) = csv.DictReader(io.StringIO((tmp_path / "summary.csv").read_text(encoding="utf-8")))
    assert float(row["val/loss mean"]) == 1 / 3
    assert row["val/f1 mean"] == ""
    assert (row["runs"], row["seconds"]) == ("2", "1.5")
    assert (row["val/loss low"], row["no interval"], row["no p"]) == ("", "too few runs", "")


def test_markdown_is_a_table(make_run: MakeRun) -> None:
    runs = [make_run(f"{lr}", metrics=score(lr), lr=lr) for lr in (0.25, 0.5)]
    lines = markdown(rank(read(*runs))).splitlines()
    assert lines[2:6] == [
        "| # | lr | val/loss | test/acc |",
        "| ---: | --- | ---: | ---: |",
        "| 1 | 0.25 | 0.2500 | 0.9000 |",
        "| 2 | 0.5 | 0.5000 | 0.9000 |",
    ]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_setting_is_lost_on_a_narrow_terminal(make_run: MakeRun, width: int) -> None:
    runs = [
        make_run(f"{model}{seed}", metrics=score(0.1 + seed), model=model, lr=lr, seed=seed)
        for model, lr in (("logistic", 0.125), ("binary_mlp", 0.25))
        for seed in (0, 1)
    ]
    text = io.StringIO()
    print_rankings(Console(file=text, width=width), rank(read(*runs)))
    assert text.getvalue().startswith("breast_cancer, ranked by val/loss\n")
    shown = "".join(text.getvalue().split())
    for part in ("logistic", "binary_mlp", "0.125", "0.25"):
        assert part in shown


@pytest.mark.parametrize("width", [45, 60, 80, 120])
def test_intervals_leave_room_for_the_setting(make_run: MakeRun, width: int) -> None:
    runs = [
        make_run(f"{model}{seed}", metrics=score(0.1 + 0.01 * seed), model=model, lr=lr, seed=seed)
        for model, lr in (("logistic", 0.125), ("binary_mlp", 0.25))
        for seed in range(10)
    ]
    text = io.StringIO()
    print_rankings(Console(file=text, width=width), rank(read(*runs)))
    lines = text.getvalue().splitlines()
    assert lines[0] == "breast_cancer, ranked by val/loss"
    assert any("logistic" in line for line in lines)
    assert any("binary_mlp" in line for line in lines)
    # No number is cut: rich would put an ellipsis.
    assert "…" not in text.getvalue()
    assert all("±" in line for line in lines if line.startswith((" 1 ", " 2 ")))
