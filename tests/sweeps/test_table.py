import csv
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from perceptron.errors import UsageError
from perceptron.runs.folder import Run
from perceptron.sweeps.report import markdown, print_sections, write_summary
from perceptron.sweeps.results import Result, read_result, varying
from perceptron.sweeps.table import sections

MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Write a finished run's files as a real one leaves them, with chosen numbers."""

    def make(
        name: str,
        *,
        metrics: dict[str, float | None],
        model: str = "logistic",
        data: str = "breast_cancer",
        lr: float = 0.05,
        seed: int = 0,
        split_seed: int = 0,
        folds: int | None = None,
        fold: int | None = None,
        path: str | None = None,
        directions: dict[str, str] | None = None,
    ) -> Path:
        folder = tmp_path / name
        (folder / ".hydra").mkdir(parents=True)
        config: dict[str, Any] = {
            "seed": seed,
            "monitor": "val/loss",
            "mode": "min",
            "data": {
                "dataset": {"_target_": data} if path is None else {},
                "seed": seed,
                "split_seed": split_seed,
                "folds": folds,
                "fold": fold,
                "val_fraction": 0.15,
                "test_fraction": 0.2,
                "batch_size": 32,
            },
            "model": {"_target_": model},
            "optimizer": {"lr": lr},
            "paths": {"output_dir": str(folder)},
        }
        if path is not None:
            config["data"] |= {"path": path, "target": "y"}
        if model.startswith("sklearn"):
            config["model"]["estimator"] = {"_target_": model}
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        written = config | {"data": config["data"] | {"seed": "${seed}"}, "mode": "${direction_of:${monitor}}"}
        (folder / ".hydra" / "config.yaml").write_text(yaml.safe_dump(written))
        (folder / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump([f"model={model}", f"seed={seed}"]))
        chosen = {"data": data, "model": model, "optimizer": "sgd"}
        origin = {"chosen": chosen, "seconds": 1.5} | ({} if directions is None else {"directions": directions})
        (folder / "provenance.json").write_text(json.dumps(origin))
        (folder / "metrics.json").write_text(json.dumps(metrics))
        return folder

    return make


def read(*folders: Path) -> list[Result]:
    return [read_result(Run(folder)) for folder in folders]


def score(loss: float, acc: float = 0.9) -> dict[str, float | None]:
    return {"val/loss": loss, "test/acc": acc}


def test_seeds_are_aggregated_and_settings_ranked(make_run: MakeRun) -> None:
    runs = [make_run(f"a{seed}", metrics=score(0.2 + seed / 10), lr=0.1, seed=seed) for seed in (0, 1)]
    runs += [make_run(f"b{seed}", metrics=score(0.1 + seed / 10), lr=0.2, seed=seed) for seed in (0, 1)]
    (section,) = sections(read(*runs))
    assert section.columns == ["optimizer.lr"]
    assert [row.setting["optimizer.lr"] for row in section.rows] == ["0.2", "0.1"]
    assert [row.estimate("val/loss").mean for row in section.rows] == pytest.approx([0.15, 0.25])
    assert section.rows[0].comparison is None
    assert section.rows[1].comparison is not None
    assert section.rows[1].comparison.difference == pytest.approx(0.1)


def test_a_metric_of_the_users_is_ranked_as_its_runs_say(make_run: MakeRun) -> None:
    runs = [
        make_run(f"run{skill}", metrics=score(0.1) | {"test/skill": skill}, lr=skill, directions={"skill": "max"})
        for skill in (0.2, 0.9, 0.5)
    ]
    (section,) = sections(read(*runs), by="test/skill")
    assert [row.setting["optimizer.lr"] for row in section.rows] == ["0.9", "0.5", "0.2"]


def test_a_direction_that_nobody_says_is_not_guessed(make_run: MakeRun) -> None:
    runs = [make_run(f"run{skill}", metrics=score(0.1) | {"test/skill": skill}, lr=skill) for skill in (0.2, 0.9)]
    line = (
        "whether a larger test/skill is better must be known, got runs that do not say; "
        "type perceptron compare <folder> by=test/skill mode=max, or mode=min"
    )
    with pytest.raises(UsageError, match=f"^{line}$"):
        sections(read(*runs), by="test/skill")
    for mode, best in (("max", "0.9"), ("min", "0.2")):
        assert sections(read(*runs), by="test/skill", mode=mode)[0].rows[0].setting["optimizer.lr"] == best
    with pytest.raises(UsageError, match=r"^mode must be max for test/acc, got min; leave mode out$"):
        sections(read(*runs), by="test/acc", mode="min")


def test_accuracy_is_ranked_from_above_and_the_undefined_last(make_run: MakeRun) -> None:
    runs = [
        make_run("low", metrics=score(0.1, 0.8), lr=1),
        make_run("high", metrics=score(0.2, 0.9), lr=2),
        make_run("none", metrics={"val/loss": 0.05, "test/acc": None}, lr=3),
    ]
    (section,) = sections(read(*runs), by="main")
    assert section.ranked_by == "test/acc"
    assert [row.setting["optimizer.lr"] for row in section.rows] == ["2", "1", "3"]


def test_folds_and_repeats_are_draws_not_settings(make_run: MakeRun) -> None:
    runs = [
        make_run(f"{split}{fold}", metrics=score(0.1), split_seed=split, folds=2, fold=fold)
        for split in (0, 1)
        for fold in (0, 1)
    ]
    results = read(*runs)
    (section,) = sections(results)
    assert varying(results) == []
    assert len(section.rows) == 1
    assert section.rows[0].estimate("val/loss").n_runs == 4
    # Half of the rows are tested: as many as are not.
    assert results[0].test_per_train == 1


def test_data_sets_have_tables_of_their_own(make_run: MakeRun) -> None:
    found = sections(
        read(make_run("a", metrics=score(0.1), data="iris"), make_run("b", metrics=score(0.2), data="wine"))
    )
    assert [section.data for section in found] == ["iris", "wine"]
    assert all(len(section.rows) == 1 for section in found)


def test_tables_of_ones_own_are_told_apart_by_their_files(make_run: MakeRun) -> None:
    runs = [make_run(name, metrics=score(0.1), data="table", path=f"{name}.csv") for name in ("a", "b")]
    found = sections(read(*runs))
    assert [section.data for section in found] == ["table a.csv", "table b.csv"]
    assert [row.comparison for section in found for row in section.rows] == [None, None]


def test_the_same_fold_of_others_is_no_pair(make_run: MakeRun) -> None:
    runs = [
        make_run(f"{folds}{fold}", metrics=score(0.1 * fold + 0.01 * folds), folds=folds, fold=fold)
        for folds in (2, 3)
        for fold in range(2)
    ]
    (section,) = sections(read(*runs))
    assert [row.estimate("val/loss").n_runs for row in section.rows] == [2, 2]
    comparison = section.rows[1].comparison
    assert comparison is not None
    assert math.isnan(comparison.p)


def test_settings_of_lightning_are_none_of_an_estimators(make_run: MakeRun) -> None:
    runs = [
        make_run("a", metrics=score(0.1), model="sklearn_svc", lr=1),
        make_run("b", metrics=score(0.2), model="sklearn_svc", lr=2, seed=1),
        make_run("c", metrics=score(0.3), lr=1),
    ]
    (section,) = sections(read(*runs))
    assert section.columns == ["model"]
    assert [len(row.results) for row in section.rows] == [2, 1]


def test_csv_holds_every_metric_in_full(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run(f"{seed}", metrics={"val/loss": 1 / 3, "val/f1": None}, seed=seed) for seed in (0, 1)]
    write_summary(tmp_path, sections(read(*runs)), [])
    (row,) = csv.DictReader(io.StringIO((tmp_path / "summary.csv").read_text()))
    assert float(row["val/loss mean"]) == 1 / 3
    assert row["val/f1 mean"] == ""
    assert (row["runs"], row["seconds"]) == ("2", "1.5")


def test_markdown_is_a_table(make_run: MakeRun) -> None:
    runs = [make_run(f"{lr}", metrics=score(lr), lr=lr) for lr in (0.25, 0.5)]
    lines = markdown(sections(read(*runs))).splitlines()
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
    print_sections(Console(file=text, width=width), sections(read(*runs)))
    shown = "".join(text.getvalue().split())
    for part in ("logistic", "binary_mlp", "0.125", "0.25"):
        assert part in shown
