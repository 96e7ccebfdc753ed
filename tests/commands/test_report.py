import json
from pathlib import Path

import pytest

from perceptron.commands.report import main
from perceptron.errors import UsageError
from perceptron.reports import run_page, sweep_page
from perceptron.reports.captions import CAPTIONS
from perceptron.runs.training_end import training_end


def _run(folder: Path, *, finished: bool) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("monitor: val/loss\noptimizer: {lr: 0.1}\n", encoding="utf-8")
    if finished:
        (folder / "metrics.json").write_text(json.dumps({"train/acc": 0.75, "val/acc": None}), encoding="utf-8")
        origin = {"chosen": {"model": "logistic"}, "started": "2026-01-01", "seconds": 2, "device": "cpu"}
        (folder / "provenance.json").write_text(json.dumps(origin), encoding="utf-8")
    return folder


def test_the_latest_run_is_the_default_and_numbers_are_its_own(tmp_path: Path, capsys) -> None:
    run = _run(tmp_path / "a", finished=True)
    main([f"runs={tmp_path}"])
    html = (run / "report.html").read_text(encoding="utf-8")
    assert str(run / "report.html") in capsys.readouterr().out
    assert '<td class="number">0.7500</td><td class="number">\N{EN DASH}</td>' in html
    assert "<td>optimizer.lr</td>" in html
    assert "No test rows were held out" in html
    assert "figures=none" in html


@pytest.mark.parametrize("checkpoint", [None, "checkpoints/best.ckpt"])
def test_the_best_weights_are_named_where_they_were_chosen(tmp_path: Path, checkpoint: str | None) -> None:
    run = _run(tmp_path / "a", finished=True)
    origin = json.loads((run / "provenance.json").read_text(encoding="utf-8"))
    best = {"monitor": "val/loss", "mode": "min", "value": 0.5, "checkpoint": checkpoint}
    (run / "provenance.json").write_text(json.dumps(origin | {"best": best}), encoding="utf-8")
    main(["run=best", f"runs={tmp_path}"])
    assert ("with the best val/loss" in (run / "report.html").read_text(encoding="utf-8")) == (checkpoint is not None)


def test_the_page_says_how_the_training_ended(tmp_path: Path) -> None:
    run = _run(tmp_path / "a", finished=True)
    origin = json.loads((run / "provenance.json").read_text(encoding="utf-8"))
    for max_epochs, early, told in ((100, True, "Training stopped early after 51 epochs, kept epoch 30."),
                                    (51, False, "Training stopped at its 51 epochs, kept epoch 30.")):  # fmt: skip
        end = training_end(epochs=51, max_epochs=max_epochs, stopped_early=early, kept_epoch=30)
        (run / "provenance.json").write_text(json.dumps(origin | {"training": end}), encoding="utf-8")
        main([f"run={run}"])
        assert told in (run / "report.html").read_text(encoding="utf-8")


def test_the_page_has_captions_row_counts_and_what_was_typed(tmp_path: Path) -> None:
    run = _run(tmp_path / "a", finished=True)
    origin = json.loads((run / "provenance.json").read_text(encoding="utf-8"))
    rows = {"rows": {"train": 369, "val": 86, "test": 114}}
    (run / "provenance.json").write_text(json.dumps(origin | rows), encoding="utf-8")
    (run / ".hydra").mkdir()
    (run / ".hydra/overrides.yaml").write_text("- optimizer.lr=0.1\n- paths.log_dir=x\n", encoding="utf-8")
    (run / "figures").mkdir()
    (run / "figures/residuals_0.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    main([f"run={run}"])
    html = (run / "report.html").read_text(encoding="utf-8")
    assert "Rows: 369 training, 86 validation, 114 test." in html
    assert f"<figcaption>{CAPTIONS['residuals']}</figcaption>" in html
    assert "Changed on the command line" in html
    assert "optimizer.lr=0.1" in html
    assert "paths.log_dir=x" not in html
    assert "docs/reading-the-results.md" in html


def test_every_figure_of_a_page_has_a_caption() -> None:
    assert set(CAPTIONS) == {*run_page.FIGURE_ORDER, *sweep_page.FIGURE_ORDER}


def test_a_damaged_ending_is_one_line(tmp_path: Path) -> None:
    run = _run(tmp_path / "a", finished=True)
    origin = json.loads((run / "provenance.json").read_text(encoding="utf-8"))
    (run / "provenance.json").write_text(json.dumps(origin | {"training": {"epochs": "<b>"}}), encoding="utf-8")
    with pytest.raises(UsageError, match="must say how its training ended"):
        main([f"run={run}"])


def test_an_unfinished_run_says_so(tmp_path: Path) -> None:
    main([f"run={_run(tmp_path / 'a', finished=False)}", f"output={tmp_path / 'page.html'}"])
    assert "has not finished" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_an_ensemble_is_no_run_that_has_not_finished(tmp_path: Path) -> None:
    folder = _run(tmp_path / "a", finished=False)
    (folder / "config.yaml").write_text("model: {network: {_target_: perceptron.models.Ensemble}}\n", encoding="utf-8")
    main([f"run={folder}"])
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "<h1>an ensemble on data</h1>" in html
    assert "perceptron evaluate for its metrics" in html
    assert "finishe" not in html


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (["rum=latest"], "there is no argument rum=latest; did you mean run?"),
        (["run=a", "sweep=b"], "a report is of run or of sweep, got both; leave one of them out"),
        (["runs=nowhere"], "run=latest needs a run in nowhere, got none; train one, or set runs=<folder>"),
        (
            ["run=nowhere"],
            "run must be a run's folder, latest or best, got nowhere, which does not exist; name another",
        ),
        (["sweep=nowhere"], "a sweep must be a multirun's folder, got nowhere, which is none; name another"),
    ],
)
def test_mistakes_are_one_line(typed, line: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        main(typed)
    assert str(caught.value) == line


def test_a_folder_without_jobs_is_no_sweep(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="which has no jobs"):
        main([f"sweep={tmp_path}"])


def test_a_folder_of_sweeps_is_no_sweep(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        run = _run(tmp_path / "logs/train/multiruns" / name / "0", finished=True)
        (run / ".hydra").mkdir()
        (run / ".hydra/overrides.yaml").write_text("- seed=0\n", encoding="utf-8")
        (run.parent / "multirun.yaml").touch()
    with pytest.raises(UsageError, match=r"^a sweep must be .* got logs, which has sweeps in it; name one of them"):
        main(["sweep=logs"])
    assert not (tmp_path / "logs/report.html").exists()
    job = f"{Path('logs/train/multiruns/one/0')}"
    with pytest.raises(UsageError, match=r"^a sweep must be .*, which is a run's; type run=") as caught:
        main([f"sweep={job}"])
    assert str(caught.value).endswith(f"type run={job}")


def test_a_page_goes_to_a_folder_that_exists(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="output must be a file in an existing folder"):
        main([f"run={_run(tmp_path / 'a', finished=True)}", f"output={tmp_path / 'none/page.html'}"])
