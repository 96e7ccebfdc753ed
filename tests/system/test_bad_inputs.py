"""What is wrong with a file, a checkpoint or a run folder: one line, status 2, and nothing written."""

import errno
import gzip
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from tests.conftest import Answer, Perceptron

from perceptron.commands import predict
from perceptron.errors import UsageError

FEATURES = ("alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids",
            "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280/od315_of_diluted_wines",
            "proline")  # fmt: skip
HEADER = ",".join(FEATURES)
ROW = ",".join(["1.5"] * len(FEATURES))


def _row(value: str, column: int) -> str:
    return ",".join(value if i == column else "1.5" for i in range(len(FEATURES)))


@pytest.fixture
def run(trained: Callable[..., Path], tmp_path: Path) -> Path:
    """A copy of a finished run that may be damaged."""
    folder = tmp_path / "run"
    shutil.copytree(trained("model=softmax", "data=wine", "trainer.max_epochs=2", "logger=none"), folder)
    return folder


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


INPUTS: dict[str, tuple[bytes | str, str]] = {
    "empty": ("", "must have rows"),
    "a header alone": (HEADER + "\n", "must have rows"),
    "a missing column": (HEADER.replace("hue,", "") + "\n" + ROW[4:] + "\n", "missing hue"),
    "two missing columns": (",".join(FEATURES[2:]) + "\n", "missing alcohol, malic_acid"),
    "an extra column": (HEADER + ",price\n" + ROW + ",2\n", r"extra price.*ignore=\[price\]"),
    "a misspelt column": (HEADER.replace("hue", "Hue") + "\n" + ROW + "\n", "missing hue; extra Hue"),
    "a column twice": (HEADER + ",hue\n" + ROW + ",1\n", "twice hue"),
    "text in a column": (f"{HEADER}\n{ROW}\n{_row('red', 10)}\n", "'red' in column hue, row 1"),
    "text in a late block": (
        f"{HEADER}\n" + f"{ROW}\n" * 80_000 + _row("red", 2) + "\n",
        "column ash, row 80000",
    ),
    "a missing value": (f"{HEADER}\n{_row('', 4)}\n", "got none in column magnesium, row 0"),
    "not a number": (f"{HEADER}\n{ROW}\n{_row('nan', 0)}\n", "got nan in column alcohol, row 1"),
    "an infinite value": (f"{HEADER}\n{_row('inf', 0)}\n", "got inf in column alcohol"),
    "too large for float32": (f"{HEADER}\n{_row('1e39', 12)}\n", r"got 1e\+39 in column proline"),
    "too few columns without names": ("1,2,3\n", "13 columns, got 3"),
    "too many columns without names": (ROW + ",1\n", "13 columns, got 14"),
    "a short row": (
        f"{HEADER}\n{ROW}\n1,2\n",
        "must have 13 cells in every row, as in its first line, got 2 in line 3 of",
    ),
    "text between semicolons": (
        (f"{HEADER}\n{ROW}\n{_row('red', 10)}\n").replace(",", ";"),
        "'red' in column hue, row 1",
    ),
    "a short row between semicolons": (
        f"{HEADER}\n{ROW}\n1,2\n".replace(",", ";"),
        "must have 13 cells in every row, as in its first line, got 2 in line 3 of",
    ),
    "an open quote": (f'{HEADER}\n"{ROW}\n{ROW}\n', "must have every quote closed"),
    "a null byte": (f"{HEADER}\n{ROW}\n{_row(chr(0), 10)}\n", "got a null byte in line 3 of"),
    "compressed": (gzip.compress(f"{HEADER}\n{ROW}\n".encode()), "must be UTF-8 text, got the byte 0x8b in line 1"),
    "a broken parquet file": (b"PAR1 and no more", "readable CSV, Parquet or Feather"),
}


@pytest.mark.parametrize("name", INPUTS)
def test_rows_that_do_not_fit(perceptron: Perceptron, run: Path, tmp_path: Path, name: str) -> None:
    content, message = INPUTS[name]
    rows = tmp_path / "rows.csv"
    rows.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = _files(tmp_path)
    _expect(perceptron("predict", f"run={run}", f"input={rows}", f"output={tmp_path / 'out.csv'}"), message)
    assert _files(tmp_path) == before


def test_parquet_with_text(perceptron: Perceptron, run: Path, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = tmp_path / "rows.parquet"
    parquet.write_table(pa.table({name: ["a"] if name == "hue" else [1.0] for name in FEATURES}), rows)
    answer = perceptron("predict", f"run={run}", f"input={rows}", f"output={tmp_path / 'out.csv'}")
    _expect(answer, "got hue of string")


CHECKPOINTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "gone": (lambda path: path.unlink(), "needs the checkpoint best, got last"),
    "empty": (lambda path: path.write_bytes(b""), "checkpoint must"),
    "truncated": (lambda path: os.truncate(path, path.stat().st_size // 2), "checkpoint must be readable"),
    "one byte short": (lambda path: os.truncate(path, path.stat().st_size - 1), "checkpoint must be readable"),
    "noise": (lambda path: path.write_bytes(bytes(range(256)) * 40), "checkpoint must"),
    "text": (lambda path: path.write_text("weights", encoding="utf-8"), "checkpoint must"),
    "a tensor": (lambda path: torch.save(torch.zeros(3), path), "one that a run of this project has written"),
    "another project's": (lambda path: torch.save({"state_dict": {}}, path), "one that a run of this project"),
    "no configuration": (lambda path: _edit(path, config=None), "hold its configuration"),
    "no schema": (lambda path: _edit(path, schema={"task": "binary"}), "say what its columns mean"),
    "other names": (lambda path: _edit(path, class_names=[1, 2]), "class_names must be names"),
    "another model": (lambda path: _edit(path, feature_names=("a", "b")), "must be of this model"),
    "a folder": (lambda path: _make_folder(path), "needs the checkpoint best"),
}


def _make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _edit(path: Path, **changes: object) -> None:
    contents = torch.load(path, weights_only=True)
    own = contents["perceptron"]
    for key, value in changes.items():
        (own["schema"] if key.endswith("_names") else own)[key] = value
    torch.save(contents, path)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_checkpoints_that_are_damaged(perceptron: Perceptron, run: Path, name: str) -> None:
    damage, message = CHECKPOINTS[name]
    damage(run / "checkpoints" / "best.ckpt")
    before = _files(run)
    for command in ("evaluate", "export"):
        _expect(perceptron(command, f"run={run}"), message)
    assert _files(run) == before


_MLP = {"_target_": "perceptron.networks.MLP", "hidden": [3], "activation": "relu", "dropout": 0.0}
FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config.yaml": (lambda run: (run / "config.yaml").unlink(), "without a config.yaml"),
    "an empty config.yaml": (
        lambda run: (run / "config.yaml").write_text("", encoding="utf-8"),
        "must hold names and values",
    ),
    "no YAML": (
        lambda run: (run / "config.yaml").write_text("a: [1", encoding="utf-8"),
        "config.yaml must be readable",
    ),
    "binary config.yaml": (lambda run: (run / "config.yaml").write_bytes(b"\xff\xfe\x00"), "config.yaml must be"),
    "a list": (lambda run: (run / "config.yaml").write_text("[1, 2]", encoding="utf-8"), "must hold names and values"),
    "half of config.yaml": (lambda run: os.truncate(run / "config.yaml", 60), "must fit this version"),
    "an unknown setting": (lambda run: _configure(run, "trainer", max_epoch=3), "max_epoch"),
    "a wrong type": (lambda run: _configure(run, "data", batch_size="many"), "batch_size|Integer"),
    "a value out of range": (lambda run: _configure(run, "data", val_fraction=2), "data.val_fraction must be in"),
    "another width": (lambda run: _configure(run, "model", network=_MLP), "must be of this model"),
    "no provenance": (
        lambda run: (run / "provenance.json").write_text("{", encoding="utf-8"),
        "provenance.json must be readable",
    ),
    "lists in lists": (
        lambda run: (run / "provenance.json").write_text("[" * 5000, encoding="utf-8"),
        "provenance.json must be readable",
    ),
}


def _configure(run: Path, group: str, **values: object) -> None:
    config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    config[group].update(values)
    (run / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


@pytest.mark.parametrize("name", FOLDERS)
def test_run_folders_that_are_damaged(perceptron: Perceptron, run: Path, name: str) -> None:
    damage, message = FOLDERS[name]
    damage(run)
    before = _files(run)
    _expect(perceptron("evaluate", f"run={run}"), message)
    assert _files(run) == before


def test_provenance_of_another_kind_is_not_compared(perceptron: Perceptron, run: Path, tmp_path: Path) -> None:
    (run / "provenance.json").write_text('{"chosen": 4, "seconds": 1}', encoding="utf-8")
    _expect(perceptron("compare", run, f"output={tmp_path / 'out'}"), "must hold its settings and metrics")
    assert not (tmp_path / "out").exists()


def test_a_log_that_cannot_be_written_is_named(perceptron: Perceptron, run: Path) -> None:
    (run / "train.log").unlink()
    (run / "train.log").mkdir()
    before = _files(run)
    line = "a run writes to files of its own folder, got the folder .*train.log; delete it"
    _expect(perceptron("resume", f"run={run}", "trainer.max_epochs=4"), line)
    assert _files(run) == before


WRITING = {
    "report": ["report", "run={run}", "output={out}"],
    "compare": ["compare", "{run}", "output={out}"],
    "evaluate": ["evaluate", "run={run}", "output={out}"],
    "export": ["export", "run={run}", "format=torch", "output={out}"],
    "ensemble": ["ensemble", "run={both}", "output={out}"],
}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", WRITING)
def test_a_full_disk(
    perceptron: Perceptron, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shutil.copytree(run, tmp_path / "both" / "a")
    shutil.copytree(run, tmp_path / "both" / "b")
    before = _files(tmp_path)

    def full(descriptor: int) -> None:  # noqa: ARG001
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    places = {"run": run, "both": tmp_path / "both", "out": tmp_path / "out"}
    answer = perceptron(*(argument.format(**places) for argument in WRITING[name]))
    _expect(answer, "must be able to read and write, got No space left on device; make room")
    assert _files(tmp_path) == before
    assert not (tmp_path / "out" / "checkpoints").exists()


@pytest.mark.parametrize(("stream", "typed"), [("stdin", "input"), ("stdout", "output")])
def test_a_standard_stream_that_is_closed(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: str, typed: str
) -> None:
    (tmp_path / "rows.csv").write_text(f"{HEADER}\n{ROW}\n", encoding="utf-8")
    places = {"input": str(tmp_path / "rows.csv"), "output": str(tmp_path / "out.csv")}
    monkeypatch.setattr(sys, stream, None)
    arguments = ["predict", f"run={run}", *(f"{key}={value}" for key, value in (places | {typed: "-"}).items())]
    with pytest.raises(UsageError, match=f"{typed}=- needs standard {typed}, which is closed; name a file"):
        predict.main(arguments[1:])
    predict.main([argument if argument != f"{typed}=-" else f"{typed}={places[typed]}" for argument in arguments[1:]])
    assert (tmp_path / "out.csv").is_file()


ARGUMENTS: dict[str, tuple[list[str], str]] = {
    "no such run": (["evaluate", "run=nowhere"], "which does not exist"),
    "no run at all": (["evaluate", "run=latest", "runs=nowhere"], "run=latest needs a run in nowhere"),
    "no best": (["evaluate", "run=best", "runs=nowhere"], "run=best needs a finished run"),
    "a misspelt argument": (["evaluate", "rum=latest"], "did you mean run"),
    "an option": (["evaluate", "--split", "test"], "there is no argument --split; did you mean split"),
    "no such split": (["evaluate", "run={run}", "split=tset"], "did you mean test"),
    "no such checkpoint": (["evaluate", "run={run}", "checkpoint=first"], "needs the checkpoint first"),
    "a misspelt setting": (["evaluate", "run={run}", "data.batchsize=3"], "did you mean data.batch_size"),
    "no such option": (["evaluate", "run={run}", "data=irs"], "did you mean iris"),
    "a sweep": (["evaluate", "run={run}", "data=iris,wine"], "one value"),
    "other classes": (["evaluate", "run={run}", "data=iris"], "class_0, class_1, class_2, got setosa; leave such rows"),
    "an experiment": (["evaluate", "run={run}", "experiment=notebook_digits"], "has its settings already"),
    "an output folder that is not there": (["evaluate", "run={run}", "output=no/such/out.json"], "output must be"),
    "no input": (["predict", "run={run}", "output=x.csv"], "input is required; type input="),
    "an input that is not there": (
        ["predict", "run={run}", "input=no.csv", "output=x.csv"],
        "input must be an existing CSV",
    ),
    "an input that is a folder": (["predict", "run={run}", "input=/", "output=x.csv"], "input must be an existing CSV"),
    "input and output the same": (
        ["predict", "run={run}", "input={rows}", "output={rows}"],
        "output must differ from input",
    ),
    "no such id": (["predict", "run={run}", "input={rows}", "output={out}", "id=patient"], "missing patient"),
    "no such format": (["export", "run={run}", "format=onx"], "did you mean onnx"),
    "a resumed typo": (["resume", "run={run}", "trainer.max_epoch=9"], "did you mean trainer.max_epochs"),
    "no command": (["evalute"], "did you mean evaluate"),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_that_are_wrong(perceptron: Perceptron, run: Path, tmp_path: Path, name: str) -> None:
    arguments, message = ARGUMENTS[name]
    rows = tmp_path / "rows.csv"
    rows.write_text(f"{HEADER}\n{ROW}\n", encoding="utf-8")
    before = _files(tmp_path)
    places = {"run": run, "rows": rows, "out": tmp_path / "out.csv"}
    _expect(perceptron(*(argument.format(**places) for argument in arguments)), message)
    assert _files(tmp_path) == before


def _expect(answer: Answer, message: str) -> None:
    assert answer.status == 2, answer.err
    assert answer.out == ""
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    assert re.search(message, answer.err), answer.err


def test_a_finished_run_has_nothing_to_resume(perceptron: Perceptron, run: Path) -> None:
    before = _files(run)
    answer = perceptron("resume", f"run={run}")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith(f"nothing to resume: the run is finished, {run}\n")
    assert _files(run) == before


def test_a_truncated_checkpoint_is_not_gone_on_from(perceptron: Perceptron, run: Path) -> None:
    (run / "metrics.json").unlink()
    os.truncate(run / "checkpoints" / "last.ckpt", 500)
    before = _files(run)
    _expect(perceptron("resume", f"run={run}"), "checkpoint must be readable")
    assert _files(run) == before
