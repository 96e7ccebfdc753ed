"""The program itself, in processes of its own."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from perceptron.composition.settings.conf_folder import CONF_DIR


def _results(folder: Path) -> dict[str, float]:
    (file,) = folder.rglob("metrics.json")
    metrics: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
    return metrics


def _curves(folder: Path) -> list[dict[str, float]]:
    """What was logged at the end of each epoch's training and validation."""
    (file,) = folder.rglob("metrics.csv")
    with file.open(encoding="utf-8") as rows:
        return [{name: float(text) for name, text in row.items() if text} for row in csv.DictReader(rows)]


def test_it_prints_results_and_leaves_a_folder_named_for_its_time(command, tmp_path: Path) -> None:
    done = command("train.py", "trainer.max_epochs=1")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "task: binary, because the target has two distinct values; data.task sets another\n"
    (folder,) = (tmp_path / "train/runs").iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d", folder.name)
    assert {path.name for path in (folder / ".hydra").iterdir()} == {"config.yaml", "hydra.yaml", "overrides.yaml"}
    assert f"tensorboard --logdir {folder.parent}" in done.stdout


@pytest.mark.parametrize(
    "settings",
    [
        # 369 training rows at 32 leave a last batch of 17, which two processes share unevenly.
        ("model=binary_mlp", "+metrics.kappa._target_=torchmetrics.CohenKappa", "monitor=val/kappa"),
        # 286 at 57 leave one row, of which the second process has none; odd splits, and losses in squared units.
        ("data=diabetes", "model=linear", "data.batch_size=57"),
    ],
)
def test_two_processes_equal_one(command, tmp_path: Path, settings: tuple[str, ...]) -> None:
    settings = ("trainer.max_epochs=3", "logger=csv", "figures=none", *settings)
    for name, trainer in (("one", "cpu"), ("two", "ddp_sim")):
        done = command("train.py", *settings, f"trainer={trainer}", f"task_name={name}")
        assert done.returncode == 0, done.stderr
    one, two = _results(tmp_path / "one"), _results(tmp_path / "two")
    assert set(one) == set(two)
    assert two == pytest.approx(one, rel=1e-5, abs=1e-5)
    # Sums over the steps, which each process has for its own rows.
    alone, side_by_side = _curves(tmp_path / "one"), _curves(tmp_path / "two")
    assert ("train/acc" in alone[-2] or "train/acc" in alone[1]) == ("model=binary_mlp" in settings)
    assert side_by_side == [pytest.approx(row, rel=1e-5, abs=1e-5) for row in alone]


def test_runs_started_in_the_same_second_have_folders_of_their_own(tmp_path: Path, root: Path) -> None:
    arguments = [sys.executable, "train.py", "trainer.max_epochs=1", "logger=none", f"paths.log_dir={tmp_path}"]
    # The same name for both, however long each takes to start.
    arguments.append("hydra.run.dir='${own_folder:${paths.log_dir}/same}'")
    both = [subprocess.Popen(arguments, cwd=root, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(timeout=200) for process in both] == [0, 0]
    assert {folder.name for folder in tmp_path.iterdir()} == {"same", "same_2"}
    assert all((folder / "metrics.json").is_file() for folder in tmp_path.iterdir())


def test_a_mistake_that_only_the_data_shows_leaves_no_folder(command, tmp_path: Path) -> None:
    done = command("train.py", "model=binary_mlp", "data=digits")
    assert done.returncode == 2
    assert done.stderr.startswith("error: model=binary_mlp needs two classes, data=digits has 10 classes; ")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.rglob("*.yaml"))


def test_help_shows_the_groups_and_the_commonest_commands(command) -> None:
    done = command("train.py", "--help", logs=False)
    assert done.returncode == 0
    assert "python train.py model=digits_mlp" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 105
    words = " ".join(done.stdout.split())
    for group in (
        "data",
        "model",
        "optimizer",
        "scheduler",
        "trainer",
        "metrics",
        "callbacks",
        "logger",
        "experiment",
        "debug",
    ):
        options = [path.stem for path in (CONF_DIR / group).glob("[!_]*.yaml")]
        assert f" {group} {', '.join(sorted(options))}" in words
    assert " hydra/launcher population, joblib," in words


def test_the_package_is_a_command_too(command) -> None:
    done = command("-m", "perceptron", "trian", logs=False)
    assert (done.returncode, done.stderr) == (2, "error: there is no command trian; did you mean train?\n")
