"""A password that is typed or kept in the environment is in no file and no message."""

from pathlib import Path

import pytest
from tests.conftest import Perceptron

from perceptron.passwords import has_password, without_password

SHORT = ("model=softmax", "data=wine", "trainer.max_epochs=2", "logger=tensorboard", "figures=none")
SEARCH = ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=1", "optimizer.lr=interval(0.01,0.1)")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:s3cret@host/db", "postgresql://me:***@host/db"),
        ("mysql+pymysql://me:s3cret@host:3306/db?x=1", "mysql+pymysql://me:***@host:3306/db?x=1"),
        ("postgresql://host/db?user=me&password=s3cret", "postgresql://host/db?user=me&password=***"),
        ("a='redis://:s3cret@host'", "a='redis://:***@host'"),
    ],
)
def test_passwords_are_masked(text: str, shown: str) -> None:
    assert has_password(text)
    assert without_password(text) == shown


@pytest.mark.parametrize("text", ["postgresql://me@host/db", "sqlite:////a:b@c/d", "http://host:80/x", "a:b@c"])
def test_other_texts_are_left_alone(text: str) -> None:
    assert not has_password(text)
    assert without_password(text) == text


def _files_with(folder: Path, text: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


@pytest.mark.parametrize("how", ["{url}", "${{oc.env:DATABASE}}"])
def test_a_password_is_refused_before_anything_is_written(
    perceptron: Perceptron, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    url = "postgresql://me:s3cret@localhost/db"
    monkeypatch.setenv("DATABASE", url)
    typed = f"hydra.sweeper.storage='{how.format(url=url)}'"
    answer = perceptron("train", "-m", *SHORT, *SEARCH, typed, f"hydra.sweep.dir={tmp_path / 'sweep'}")
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
    assert "hydra.sweeper.storage must be a URL without a password" in answer.err
    assert "postgresql://me:***@localhost/db" in answer.err
    assert "s3cret" not in answer.err + answer.out
    assert list(tmp_path.iterdir()) == []


def test_the_environment_keeps_it(perceptron: Perceptron, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = tmp_path / "sweep"
    # SQLite takes no password; the name of the file stands for it.
    monkeypatch.setenv("DATABASE", f"sqlite:///{tmp_path / 's3cret'}")
    answer = perceptron(
        "train", "-m", *SHORT, *SEARCH, "hydra.sweeper.storage=env:DATABASE", f"hydra.sweep.dir={sweep}"
    )
    assert answer.status == 0, answer.err
    assert (tmp_path / "s3cret").is_file()
    assert (sweep / "0" / "metrics.json").is_file()
    assert perceptron("report", f"run={sweep / '0'}").status == 0
    assert _files_with(sweep, "s3cret") == []
    assert _files_with(sweep, "env:DATABASE")
    assert "s3cret" not in answer.out + answer.err


def test_a_variable_that_is_not_set_is_a_line(perceptron: Perceptron, tmp_path: Path) -> None:
    answer = perceptron(
        "train", "-m", *SHORT, *SEARCH, "hydra.sweeper.storage=env:NOWHERE", f"hydra.sweep.dir={tmp_path / 'sweep'}"
    )
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
    assert "needs the environment variable NOWHERE" in answer.err
    assert not (tmp_path / "sweep").exists()


def test_the_command_is_written_down_without_it(perceptron: Perceptron, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert perceptron("train", *SHORT, "tags=['http://me:s3cret@host']", f"hydra.run.dir={run}").status == 0
    assert "s3cret" not in (run / "provenance.json").read_text(encoding="utf-8")
