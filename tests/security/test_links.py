"""Links, FIFOs and devices in a stranger's folder: nothing is written through them, and nothing waits for them."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.conftest import Answer, Perceptron, train_in

from perceptron.errors import UsageError
from perceptron.files.containment import check_contained
from perceptron.files.writing import atomic_file, open_no_follow

SETTINGS = ("model=softmax", "data=wine", "trainer.max_epochs=2", "trainer.accelerator=cpu", "figures=none")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with both loggers; it must not be changed."""
    return train_in(tmp_path_factory.mktemp("finished") / "run", *SETTINGS, "logger=many")


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search with one job; it must not be changed."""
    pytest.importorskip("optuna")
    folder = tmp_path_factory.mktemp("searched") / "sweep"
    search = ("hparams_search=optuna", "hydra.sweeper.n_trials=1", "logger=none")
    return train_in(folder, "-m", *SETTINGS, *search, f"hydra.sweep.dir={folder}")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """What belongs to the user: a file and a folder with a file."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "precious").write_text("precious", encoding="utf-8")
    return folder


def _untouched(outside: Path) -> bool:
    return [(path.name, path.read_text(encoding="utf-8")) for path in outside.iterdir()] == [("precious", "precious")]


def _unfinished(source: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    shutil.copytree(source, folder)
    (folder / "metrics.json").unlink(missing_ok=True)
    return folder


def _replace(path: Path, outside: Path) -> None:
    """Put a link where a file or a folder of the run lies, or would be made."""
    is_folder = path.is_dir() or not (path.suffix or path.name == ".lock")
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(outside if is_folder else outside / "precious")


def _expect_line(answer: Answer) -> None:
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
    assert answer.err.startswith("error: ")


RUN_FILES = (
    ".lock", "train.log", "checkpoints", "checkpoints/last.ckpt", "figures", "tensorboard", "csv", "csv/metrics.csv",
    "csv/hparams.yaml", ".hydra", "other.log",
)  # fmt: skip


@pytest.mark.parametrize("name", RUN_FILES)
def test_resume_writes_through_no_link(
    perceptron: Perceptron, finished: Path, tmp_path: Path, outside: Path, name: str
) -> None:
    folder = _unfinished(finished, tmp_path)
    _replace(folder / name, outside)
    _expect_line(perceptron("resume", f"run={folder}"))
    assert _untouched(outside)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", [".lock", "train.log", "csv/metrics.csv", "csv/hparams.yaml"])
def test_resume_waits_for_no_fifo(perceptron: Perceptron, finished: Path, tmp_path: Path, name: str) -> None:
    folder = _unfinished(finished, tmp_path)
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    answer = perceptron("resume", f"run={folder}")
    _expect_line(answer)
    assert "FIFO" in answer.err


def test_a_link_within_the_folder_is_no_fault(perceptron: Perceptron, finished: Path, tmp_path: Path) -> None:
    folder = _unfinished(finished, tmp_path)
    (folder / "newest.ckpt").symlink_to("checkpoints/last.ckpt")
    (tmp_path / "named").symlink_to(folder)
    # Lightning's CSV logger warns of a folder that it finds.
    shutil.rmtree(folder / "csv")
    assert perceptron("resume", f"run={tmp_path / 'named'}", "trainer.max_epochs=3").status == 0


@pytest.mark.parametrize("name", ["train.log", "checkpoints", "tensorboard", ".hydra"])
def test_a_new_run_in_a_prepared_folder(perceptron: Perceptron, tmp_path: Path, outside: Path, name: str) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    _replace(folder / name, outside)
    _expect_line(perceptron("train", *SETTINGS, f"hydra.run.dir={folder}"))
    assert _untouched(outside)
    assert [path.name for path in folder.iterdir()] == [name]


SWEEP_FILES = (
    "search.db", "search.db-journal", "summary.md", "figures", "tensorboard", "experiment", "0/train.log", "0/.hydra",
    "0/checkpoints", "1",
)  # fmt: skip


@pytest.mark.parametrize("name", SWEEP_FILES)
def test_a_resumed_sweep_writes_through_no_link(
    perceptron: Perceptron, searched: Path, tmp_path: Path, outside: Path, name: str
) -> None:
    folder = tmp_path / "sweep"
    shutil.copytree(searched, folder)
    (folder / "0" / "metrics.json").unlink()
    _replace(folder / name, outside)
    answer = perceptron("train", "-m", f"sweep.resume={folder}", "hydra.sweeper.n_trials=2")
    _expect_line(answer)
    assert _untouched(outside)


def test_an_ensemble_is_made_in_the_sweep_itself(
    perceptron: Perceptron, finished: Path, tmp_path: Path, outside: Path
) -> None:
    sweep = tmp_path / "sweep"
    for number in range(2):
        shutil.copytree(finished, sweep / str(number))
    (sweep / "ensemble").symlink_to(outside)
    _expect_line(perceptron("ensemble", f"run={sweep}"))
    (sweep / "ensemble").unlink()
    (sweep / "ensemble").mkdir()
    (sweep / "ensemble" / "checkpoints").symlink_to(outside)
    _expect_line(perceptron("ensemble", f"run={sweep}"))
    _expect_line(perceptron("ensemble", f"run={sweep}", f"output={sweep / 'ensemble'}"))
    assert _untouched(outside)


@pytest.mark.parametrize("command", ["evaluate", "report", "export"])
def test_files_that_are_written_whole_replace_a_link(
    perceptron: Perceptron, finished: Path, tmp_path: Path, outside: Path, command: str
) -> None:
    folder = _unfinished(finished, tmp_path)
    written = {"evaluate": "metrics.json", "report": "report.html", "export": "model.onnx"}[command]
    (folder / written).symlink_to(outside / "precious")
    own = {"evaluate": [f"output={folder / written}"]}
    answer = perceptron(command, f"run={folder}", *own.get(command, []))
    assert answer.status == 0, answer.err
    assert _untouched(outside)
    assert not (folder / written).is_symlink()


def test_figures_replace_a_link(perceptron: Perceptron, finished: Path, tmp_path: Path, outside: Path) -> None:
    sweep, table = tmp_path / "sweep", tmp_path / "table"
    shutil.copytree(finished, sweep / "0")
    table.mkdir()
    for name in ("compare.png", "compare.svg", "compare.csv", "compare.md"):
        (table / name).symlink_to(outside / "precious")
    assert perceptron("compare", sweep, f"output={table}").status == 0
    assert _untouched(outside)
    assert not any(path.is_symlink() for path in table.iterdir())


def test_what_leads_out_is_found_at_any_depth(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "a" / "b").mkdir(parents=True)
    check_contained(folder)
    check_contained(tmp_path / "nowhere")
    (folder / "a" / "inside").symlink_to("b")
    check_contained(folder)
    link = folder / "a" / "b" / "out"
    for target in ("../../../elsewhere", "/", "out", tmp_path / "run2"):
        link.symlink_to(target)
        with pytest.raises(UsageError, match="must not hold links"):
            check_contained(folder)
        link.unlink()
    os.mkfifo(link)
    with pytest.raises(UsageError, match="got the FIFO"):
        check_contained(folder)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("mode", ["ab", "r+b"])
def test_a_file_is_opened_for_writing_itself(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "file"
    with open_no_follow(path, mode) as file:
        file.write(b"new")
    with open_no_follow(path, mode) as file:
        file.write(b"new")
    assert path.read_bytes() == (b"newnew" if mode == "ab" else b"new")
    (tmp_path / "link").symlink_to(path)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "device").symlink_to("/dev/null")
    os.mkfifo(tmp_path / "fifo")
    for name in ("link", "dangling", "device", "fifo", "."):
        with pytest.raises(UsageError, match="of its own folder"):
            open_no_follow(tmp_path / name, mode)
    assert not (tmp_path / "nowhere").exists()


def test_a_whole_file_replaces_a_fifo(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "file")
    with atomic_file(tmp_path / "file") as file:
        file.write(b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


@pytest.mark.parametrize("damage", [
    "UPDATE trial_params SET distribution_json = '{}'",
    "UPDATE trials SET state = 'XX'",
    "CREATE TRIGGER t AFTER INSERT ON trials BEGIN SELECT load_extension('/x'); END",
])  # fmt: skip
def test_a_damaged_database_is_a_line(perceptron: Perceptron, searched: Path, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "sweep"
    shutil.copytree(searched, folder)
    with closing(sqlite3.connect(folder / "search.db")) as database:
        database.execute(damage)
        database.commit()
    answer = perceptron("train", "-m", f"sweep.resume={folder}", "hydra.sweeper.n_trials=2")
    assert answer.status == 2, answer.err
    assert "Traceback" not in answer.err
    assert "error: a search's database must be as the search left it, got " in answer.err
