"""Escape sequences, line ends and markup out of data, files and settings: shown as text wherever they are shown."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from rich.console import Console
from tests.conftest import Answer, Perceptron

from perceptron.errors import UsageError
from perceptron.reports.html import paragraph, table
from perceptron.runs.folder import Run
from perceptron.runs.results_table import print_results
from perceptron.sweeps.finished_runs import read_finished_run
from perceptron.sweeps.job_folders import Job, State
from perceptron.sweeps.ranking import rank
from perceptron.sweeps.summary_files import markdown
from perceptron.sweeps.terminal_tables import print_failures, print_rankings

EVIL = "[/red]\x1b[2J\u202e<script>`a|b`](http://x)\n"
SETTINGS = ("model=softmax", "data=wine", "trainer.max_epochs=1", "logger=none", "figures=none")


def _expect_shown(text: str) -> None:
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_an_error_is_a_line(perceptron: Perceptron, tmp_path: Path) -> None:
    answer = perceptron("evaluate", f"run={tmp_path / EVIL}")
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
    assert r"[/red]\x1b[2J\u202e" in answer.err
    _expect_shown(answer.err)


@pytest.mark.parametrize("command", [["no\x1bcommand"], ["evaluate", "no\x1b=1"], ["train", "no\x1b[2J=1"]])
def test_what_was_typed_is_shown(perceptron: Perceptron, command: list[str]) -> None:
    answer = perceptron(*command)
    assert answer.status == 2
    _expect_shown(answer.err)


@pytest.fixture(scope="module")
def evil_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "rows.csv"
    name = '"' + EVIL.strip().replace('"', '""') + '"'
    rows = [f"{i},1,{name if i % 2 else 'other'}" for i in range(80)]
    path.write_text("\n".join([f"{name},a,class", *rows]) + "\n", encoding="utf-8")
    return path


def test_names_of_columns_and_classes(perceptron: Perceptron, evil_table: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    settings = ["data=table", f"data.path={evil_table}", "data.target=class", "trainer.max_epochs=1", "figures=end"]
    answer = perceptron("train", *settings, f"hydra.run.dir={run}")
    assert answer.status == 0, answer.err
    for text in (answer.out, answer.err, (run / "train.log").read_text(encoding="utf-8")):
        _expect_shown(text)
    answer = perceptron("report", f"run={run}")
    page = (run / "report.html").read_text(encoding="utf-8")
    _expect_shown(page + answer.out)
    assert "<script" not in page
    for drawing in (run / "figures").glob("*.svg"):
        _expect_shown(drawing.read_text(encoding="utf-8"))
    answer = perceptron("train", *settings[:2], f"data.target={EVIL[:-1]!s}x", f"hydra.run.dir={tmp_path / 'other'}")
    assert answer.status == 2
    _expect_shown(answer.err)


@pytest.fixture
def runs(trained: Callable[..., Path], tmp_path: Path) -> list[Path]:
    """Two runs whose files say what a stranger wants."""
    folders = []
    for number in range(2):
        folder = tmp_path / "sweep" / str(number)
        shutil.copytree(trained(*SETTINGS), folder)
        config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
        config["optimizer"]["lr"] = f"{EVIL}{number}"
        config["monitor"] = f"test/{EVIL}"
        (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        origin = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
        origin["chosen"] |= {"data": EVIL, "model": EVIL}
        origin["directions"] = {EVIL.rpartition("/")[2]: "max"}
        (folder / "provenance.json").write_text(json.dumps(origin), encoding="utf-8")
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        (folder / "metrics.json").write_text(json.dumps(metrics | {f"test/{EVIL}": 0.5}), encoding="utf-8")
        folders.append(folder)
    return folders


def _line(answer: Answer) -> None:
    assert answer.status in (0, 2), answer.err
    assert answer.err.count("\n") == (answer.status == 2), answer.err
    _expect_shown(answer.out + answer.err)


def test_tables_of_strangers_runs(perceptron: Perceptron, runs: list[Path], tmp_path: Path) -> None:
    answer = perceptron("compare", runs[0].parent, f"output={tmp_path / 'table'}")
    assert answer.status == 0, answer.err
    _line(answer)
    _expect_shown((tmp_path / "table" / "compare.md").read_text(encoding="utf-8"))
    _line(perceptron("report", f"run={runs[0]}"))
    _line(perceptron("report", f"sweep={runs[0].parent}"))
    _line(perceptron("evaluate", f"run={runs[0]}"))
    for page in runs[0].parent.rglob("report.html"):
        _expect_shown(page.read_text(encoding="utf-8"))
        assert "<script" not in page.read_text(encoding="utf-8")


def test_markdown_has_no_markup_of_strangers(runs: list[Path]) -> None:
    job = Job(runs[0])
    job.fail(UsageError(EVIL))
    text = markdown(rank([read_finished_run(Run(run)) for run in runs]), [job])
    _expect_shown(text)
    assert "<script" not in text
    assert "](" not in text.replace(r"\](", "")
    n_cells = {line.replace(r"\|", "").count("|") for line in text.splitlines() if line.startswith("|")}
    assert len(n_cells) == 1


@pytest.mark.parametrize("width", [40, 300])
def test_markup_is_not_read(runs: list[Path], width: int) -> None:
    (runs[0] / "metrics.json").rename(runs[0] / "gone.json")
    job = Job(runs[0])
    job.fail(UsageError(EVIL))
    assert job.state == State.FAILED
    (runs[0] / "gone.json").rename(runs[0] / "metrics.json")
    text = io.StringIO()
    console = Console(file=text, width=width)
    print_rankings(console, rank([read_finished_run(Run(run)) for run in runs]))
    (runs[0] / "metrics.json").unlink()
    print_failures(console, [job])
    _expect_shown(text.getvalue())
    assert "[/red]" in text.getvalue().replace("\n", "")


def test_results_with_markup(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    print_results({f"test/{EVIL}": 0.5}, title=EVIL, folder=tmp_path / EVIL, notes=[EVIL])
    printed = capsys.readouterr().out
    _expect_shown(printed)
    assert printed.count("[/red]") >= 3


def test_a_page_shows_control_characters() -> None:
    html = paragraph(EVIL) + table([EVIL, "b"], [[EVIL, "1"]])
    _expect_shown(html)
    assert "<script" not in html
    assert r"\x1b[2J" in html
