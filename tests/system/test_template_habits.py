"""What people who come from the Lightning-Hydra template type: it works, or one line says what to type."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

SHORT = ("data=iris", "model=softmax", "figures=none", "trainer.max_epochs=2", "trainer.accelerator=cpu")


def stored(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    return found


def test_a_fast_dev_run_is_a_batch_of_each_kind(perceptron, tmp_path: Path) -> None:
    run = tmp_path / "run"
    answer = perceptron("train", *SHORT[:3], "debug=fdr", f"hydra.run.dir={run}")
    assert answer.status == 0, answer.err
    assert stored(run)["trainer"]["fast_dev_run"] is True
    assert not (run / "checkpoints").exists()


@pytest.mark.parametrize(
    ("typed", "folders"),
    [
        ("logger=many_loggers", {"csv", "tensorboard"}),
        ("logger=[csv,tensorboard]", {"csv", "tensorboard"}),
        ("logger=null", set()),
    ],
)
def test_loggers_are_chosen_as_in_the_template(typed: str, folders: set[str], perceptron, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert perceptron("train", *SHORT, typed, f"hydra.run.dir={run}").status == 0
    assert {path.name for path in run.iterdir() if path.name in ("csv", "tensorboard")} == folders
    assert perceptron("evaluate", f"run={run}").status == 0


@pytest.mark.parametrize("name", ["bar", "rich", "tqdm", "epoch"])
def test_the_progress_is_chosen(name: str, perceptron, tmp_path: Path) -> None:
    run = tmp_path / "run"
    answer = perceptron("train", *SHORT, f"callbacks.progress={name}", f"hydra.run.dir={run}")
    assert answer.status == 0, answer.err
    assert (re.findall(r"^epoch \d/2  train/loss", answer.err, re.MULTILINE) != []) == (name == "epoch")
    assert ("Epoch 1: 100%" in answer.err + answer.out) == (name == "tqdm")


def test_the_progress_can_be_the_only_callback(perceptron, tmp_path: Path) -> None:
    typed = ("callbacks=none", "callbacks.progress=epoch")
    answer = perceptron("train", *SHORT, *typed, f"hydra.run.dir={tmp_path}/run")
    assert answer.status == 0, answer.err
    assert "epoch 2/2" in answer.err


def test_a_progress_bar_of_ones_own_takes_the_place_of_the_default(perceptron, tmp_path: Path) -> None:
    own = "+callbacks.own._target_=lightning.pytorch.callbacks.TQDMProgressBar"
    answer = perceptron("train", *SHORT, own, f"hydra.run.dir={tmp_path}/run")
    assert answer.status == 0
    assert "Epoch 1: 100%" in answer.err + answer.out
    answer = perceptron("train", *SHORT, own, own.replace("own", "too"), f"hydra.run.dir={tmp_path}/second")
    assert (answer.status, answer.err) == (
        2,
        "error: a run has one progress bar, got callbacks.own and callbacks.too; leave one out\n",
    )


def test_settings_of_ones_own_are_stored_shown_and_referred_to(perceptron, tmp_path: Path) -> None:
    run = tmp_path / "run"
    typed = ("+my_note=hello", "extras.rows={batch: 16}", "data.batch_size=${extras.rows.batch}")
    answer = perceptron("train", *SHORT, *typed, f"hydra.run.dir={run}")
    assert answer.status == 0, answer.err
    assert stored(run)["extras"] == {"my_note": "hello", "rows": {"batch": 16}}
    assert stored(run)["data"]["batch_size"] == 16
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    shown = plugin_data_pb2.HParamsPluginData.FromString(
        events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    ).session_start_info.hparams
    assert shown["extras.my_note"].string_value == "hello"
    assert shown["extras.rows.batch"].number_value == 16
    assert perceptron("evaluate", f"run={run}").status == 0
    (run / "metrics.json").unlink()
    assert perceptron("resume", f"run={run}", "trainer.max_epochs=3").status == 0


@pytest.mark.parametrize("launcher", ["basic", "population"])
def test_settings_of_ones_own_can_be_swept(launcher: str, perceptron, tmp_path: Path) -> None:
    typed = ("-m", f"hydra/launcher={launcher}", "+my_note=a,b", f"hydra.sweep.dir={tmp_path}/sweep")
    answer = perceptron("train", *SHORT, *typed)
    assert answer.status == 0, answer.err
    assert [stored(tmp_path / f"sweep/{job}")["extras"]["my_note"] for job in range(2)] == ["a", "b"]


def test_a_working_folder_of_the_runs_own_is_named_in_full(perceptron, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "run"
    answer = perceptron("train", *SHORT, "hydra.job.chdir=true", f"hydra.run.dir={run}")
    assert answer.status == 0, answer.err
    assert f"run folder  {run}\n" in answer.out
    assert f"--logdir {tmp_path}\n" in answer.out


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (
            "optimized_metric=val/acc",
            "there is no setting optimized_metric; type monitor=<metric>, which sweeps, the best checkpoint and early "
            "stopping all follow",
        ),
        (
            "+optimized_metric=val/acc",
            "there is no setting optimized_metric; type monitor=<metric>, which sweeps, the best checkpoint and early "
            "stopping all follow",
        ),
        ("+direction=max", "there is no setting direction; type mode=min or mode=max, the direction in which monitor"),
        ("hydra.sweeper.direction=maximize", "there is no setting hydra.sweeper.direction; type mode=min or mode=max"),
        ("model.optimizer.lr=0.1", "there is no setting model.optimizer; type optimizer=<option> or optimizer.<argum"),
        ("+model.net.width=3", "there is no setting model.net; type model.network.<argument>=<value>"),
        ("+sed=1", "there is no setting sed; did you mean seed? A setting of your own is extras.sed=<value>"),
        ("callbacks.progress=rch", "there is no callbacks/progress=rch; did you mean rich?"),
        ("ckpt_path=https://a.b/c.ckpt", "ckpt_path must be on this machine, got https://a.b/c.ckpt; download it and"),
        ("trainer.strategy=ddp_spawn", "trainer.strategy must be auto, ddp or another that starts its processes by"),
        (
            "trainer.strategy={_target_: lightning.pytorch.strategies.DDPStrategy, start_method: fork}",
            "trainer.strategy must be auto, ddp or another that starts its processes by the command line, got",
        ),
    ],
)
def test_what_is_different_here_is_said_in_a_line(typed: str, line: str, perceptron, tmp_path: Path) -> None:
    answer = perceptron("train", *SHORT, typed, f"hydra.run.dir={tmp_path}/run")
    assert answer.status == 2
    assert answer.err.startswith(f"error: {line}")
    assert answer.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("argument", ["trainer.model_registry=mine", "+trainer.enable_autolog_hparams=false"])
def test_every_flag_of_the_trainer_is_taken_with_and_without_a_plus(argument: str, perceptron, tmp_path: Path) -> None:
    run = tmp_path / "run"
    answer = perceptron("train", *SHORT, argument, f"+trainer.default_root_dir={tmp_path}", f"hydra.run.dir={run}")
    assert answer.status == 0, answer.err
    assert json.loads((run / "metrics.json").read_text(encoding="utf-8"))["test/acc"] > 0.5


RESOLVERS = "hydra.callbacks.resolvers.file"


def test_functions_of_ones_own_are_resolvers(perceptron, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def half(number):\n    return number / 2\n", encoding="utf-8")
    typed = (*SHORT, f"{RESOLVERS}={file}", "optimizer.lr=${half:0.2}")
    assert perceptron("train", *typed, f"hydra.run.dir={tmp_path}/run").status == 0
    assert stored(tmp_path / "run")["optimizer"]["lr"] == 0.1
    sweep = ("-m", "seed=1,2", f"hydra.sweep.dir={tmp_path}/sweep")
    assert perceptron("train", *typed, *sweep).status == 0
    assert stored(tmp_path / "sweep/1")["optimizer"]["lr"] == 0.1
    # A stored run holds values, and the file is not read for it.
    file.write_text("raise SystemExit('run')", encoding="utf-8")
    assert perceptron("evaluate", f"run={tmp_path}/run").status == 0
    # A stored sweep that names code is refused.
    answer = perceptron("train", "-m", f"sweep.resume={tmp_path}/sweep")
    assert answer.status == 2
    assert answer.err.startswith("error: a stored command line must not set what can run code")


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (None, "must be a Python file, got {}; write it, or set hydra.callbacks.resolvers.file=null"),
        ("1 / 0", "must be a file that runs, got division by zero in {}; mend it"),
        ("x = 1", "must define functions, got none in {}; write one, or set hydra.callbacks.resolvers.file=null"),
        ("def mode_of(): ...", None),
    ],
)
def test_a_file_without_resolvers_is_one_line(code: str | None, line: str | None, perceptron, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    if code is not None:
        file.write_text(code, encoding="utf-8")
    answer = perceptron("train", *SHORT, f"{RESOLVERS}={file}", f"hydra.run.dir={tmp_path}/run")
    expected = (
        f"{RESOLVERS} {line.format(file)}"
        if line
        else f"a resolver must have a name of its own, got mode_of in {file}; rename it"
    )
    assert (answer.status, answer.err) == (2, f"error: {expected}\n")
    assert not (tmp_path / "run").exists()
