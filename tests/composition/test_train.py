import json
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from perceptron.composition.train import train
from perceptron.errors import UsageError

SHORT = ("trainer.max_epochs=2",)


def _state(folder: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(folder / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
    return state


def test_a_run_leaves_what_the_readme_says(composed, tmp_path: Path, capsys) -> None:
    best = train(*composed(*SHORT))
    assert {path.name for path in tmp_path.iterdir()} >= {
        "checkpoints", "config.yaml", "metrics.json", "provenance.json", "tensorboard",
    }  # fmt: skip
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert {"train/acc", "val/loss", "test/acc", "test/auroc", "test/ece"} <= set(metrics)
    assert best == pytest.approx(metrics["val/loss"])
    assert yaml.safe_load((tmp_path / "config.yaml").read_text(encoding="utf-8"))["monitor"] == "val/loss"
    origin = json.loads((tmp_path / "provenance.json").read_text(encoding="utf-8"))
    assert (origin["seed"], origin["split_seed"], origin["device"]) == (0, 0, "cpu")
    assert origin["versions"]["torch"] == version("torch")
    assert origin["chosen"]["model"] == "logistic"
    assert origin["git"] is None or set(origin["git"]) == {"commit", "dirty"}
    printed = capsys.readouterr().out
    assert f"{metrics['test/acc']:.4f}" in printed
    assert "369 train, 86 validation, 114 test" in printed
    assert "tensorboard --logdir" in printed


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("optimizer._target_=torch.optim.LBFGS", "optimizer must be what torch.optim.LBFGS takes, got: .*weight_decay"),
        ("optimizer._target_=builtins.dict", "optimizer must be what builtins.dict takes, got"),
        ("scheduler._target_=builtins.dict", "scheduler must be what builtins.dict takes, got: .*; change scheduler"),
        ("scheduler._target_=perceptron.networks.MLP", "scheduler must be what perceptron.networks.MLP takes, got: .*"),
        ("+callbacks.own._target_=os.getcwd", "callbacks.own must be a Callback, got str"),
        ("+logger.own._target_=os.getcwd", "logger.own must be a Logger, got str"),
    ],
)
def test_objects_of_another_kind_are_refused_before_anything_is_written(
    composed, tmp_path: Path, setting: str, named: str
) -> None:
    with pytest.raises(UsageError, match=named):
        train(*composed(setting))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_network_that_is_not_there_is_said_once(composed, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match=r"model\.network\._target_ must be what can be imported, got torch\.nn\.Nope"):
        train(*composed("model.network._target_=torch.nn.Nope"))
    assert capfd.readouterr() == ("", "")


def test_the_checkpoint_is_self_contained_and_loads_with_weights_only(composed, tmp_path: Path) -> None:
    train(*composed(*SHORT, "model=softmax", "data=iris"))
    contents = torch.load(tmp_path / "checkpoints/best.ckpt", weights_only=True)
    assert contents["perceptron"]["schema"]["class_names"] == ("setosa", "versicolor", "virginica")
    assert contents["perceptron"]["config"]["optimizer"]["lr"] == 0.05
    assert "standardize.mean" in contents["state_dict"]


def test_tensorboard_shows_curves_and_hyper_parameters_with_their_final_metrics(composed, tmp_path: Path) -> None:
    train(*composed(*SHORT, "+metrics.kappa._target_=torchmetrics.CohenKappa"))
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    events = EventAccumulator(str(tmp_path / "tensorboard"), purge_orphaned_data=False)
    events.Reload()
    tags = events.Tags()
    assert {"train/loss", "val/acc", "test/acc"} <= set(tags["scalars"])
    assert "hp_metric" not in tags["scalars"]
    assert len(events.Scalars("train/loss")) == 2
    assert all(event.value == pytest.approx(metrics["test/acc"]) for event in events.Scalars("test/acc"))
    started = plugin_data_pb2.HParamsPluginData.FromString(
        events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    ).session_start_info
    assert started.hparams["optimizer.lr"].number_value == 0.05
    assert started.hparams["model"].string_value == "logistic"
    # One would hide what only other runs have: see perceptron.runs.loggers.
    assert "_hparams_/experiment" not in tags["tensors"]
    shown = {name if name.startswith("test/") else f"best/{name}" for name in metrics}
    assert {"best/train/kappa", "best/val/kappa", "test/kappa"} <= shown
    assert shown | {"val/kappa"} <= set(tags["scalars"])
    assert events.Scalars("best/val/kappa")[-1].value == pytest.approx(metrics["val/kappa"])


def test_the_same_command_gives_the_same_bits(composed, tmp_path: Path) -> None:
    results = []
    for noise in (1, 2):
        torch.manual_seed(noise)
        train(*composed(*SHORT, "model=binary_mlp", "model.network.dropout=0.2", folder=str(noise)))
        folder = tmp_path / str(noise)
        results.append((_state(folder), (folder / "metrics.json").read_text(encoding="utf-8")))
    (first, metrics), (second, same_metrics) = results
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert metrics == same_metrics


def test_another_seed_gives_other_weights_for_the_same_rows(composed, tmp_path: Path) -> None:
    states = []
    for seed in (0, 1):
        train(*composed(*SHORT, f"seed={seed}", folder=str(seed)))
        states.append(_state(tmp_path / str(seed)))
    assert torch.equal(states[0]["standardize.mean"], states[1]["standardize.mean"])
    assert not torch.equal(states[0]["network.0.weight"], states[1]["network.0.weight"])


def test_without_held_out_rows_the_report_says_so(composed, tmp_path: Path, capsys) -> None:
    best = train(*composed(*SHORT, "data.val_fraction=0", "data.test_fraction=0"))
    assert "no held-out test rows" in capsys.readouterr().out
    assert best is not None
    assert all(
        name.startswith("train/") for name in json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    )


def test_descent_on_a_parabola_takes_the_hand_worked_steps(composed, tmp_path: Path) -> None:
    train(*composed("experiment=gradient_descent"))
    checkpoint = torch.load(tmp_path / "checkpoints/last.ckpt", weights_only=True)
    path = checkpoint["callbacks"]["DescentFigure"]["path"]
    assert path[:3] == pytest.approx([1.0, 0.8, 0.64])
    assert path == pytest.approx([0.8**step for step in range(21)])
    assert (tmp_path / "figures/descent.png").stat().st_size > 10_000
    assert (tmp_path / "figures/descent.gif").stat().st_size > 10_000
    assert "<dc:date>" not in (tmp_path / "figures/descent.svg").read_text(encoding="utf-8")
    events = EventAccumulator(str(tmp_path / "tensorboard"), purge_orphaned_data=False)
    events.Reload()
    assert "descent" in events.Tags()["images"]


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (
            ("model=binary_mlp", "data=digits"),
            "model=binary_mlp needs two classes, data=digits has 10 classes; "
            "type one of model=digits_mlp, model=softmax",
        ),
        (
            ("model=logistic", "data=diabetes"),
            "model=logistic needs two classes, data=diabetes has a continuous target; "
            "type one of model=linear, model=regression_mlp",
        ),
        (
            ("model=linear", "data=wine"),
            "model=linear needs a continuous target, data=wine has 3 classes; "
            "type one of model=digits_mlp, model=softmax",
        ),
        (
            ("model.network._target_=nowhere.Net",),
            "model.network._target_ must be what can be imported, got nowhere.Net: No module named 'nowhere'; change "
            "model.network._target_",
        ),
        (
            ("optimizer._target_=torch.optim.Nope",),
            "optimizer must be what torch.optim.Nope takes, got: No module named 'torch.optim.Nope'; change optimizer",
        ),
        (
            ("+callbacks.early_stopping.patiense=3",),
            "callbacks.early_stopping must be what lightning.pytorch.callbacks.EarlyStopping takes, got: "
            "EarlyStopping.__init__() got an unexpected keyword argument 'patiense'; change callbacks.early_stopping",
        ),
        (
            ("data.dataset._target_=sklearn.datasets.load_sample_images",),
            "data.dataset must give a table and a target (a Bunch with data and target, or a pair of arrays), "
            "got a Bunch of images, filenames, DESCR; choose a load_*, fetch_* or make_* function of "
            "sklearn.datasets that does",
        ),
    ],
)
def test_what_only_the_data_tells_is_one_line(typed, line: str, composed) -> None:
    with pytest.raises(UsageError) as caught:
        train(*composed(*typed))
    assert str(caught.value) == line


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_device_is_one_line_that_says_what_to_type(composed) -> None:
    with pytest.raises(UsageError) as caught:
        train(*composed("trainer=gpu"))
    assert str(caught.value) == (
        "trainer.accelerator=gpu needs a device that this machine has not; "
        "type trainer.accelerator=cpu, or auto to take the best there is"
    )


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("typed", ["trainer=gpu", "trainer.accelerator=gpu"])
def test_digits_on_a_gpu(typed: str, composed, tmp_path: Path) -> None:
    train(*composed("model=digits_mlp", typed, "trainer.max_epochs=40"))
    assert json.loads((tmp_path / "provenance.json").read_text(encoding="utf-8"))["device"].startswith("cuda")
    assert json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))["test/acc"] > 0.95


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_table_on_the_gpu_gives_the_weights_of_one_that_is_copied_batch_by_batch(composed, tmp_path: Path) -> None:
    for name, on_device in (("there", "true"), ("copied", "false")):
        train(*composed(*SHORT, "model=digits_mlp", "trainer=gpu", f"data.on_device={on_device}", folder=name))
    there, copied = _state(tmp_path / "there"), _state(tmp_path / "copied")
    for name, value in copied.items():
        assert torch.equal(there[name], value)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_the_notebooks_breast_cancer_network(seed: int, composed, tmp_path: Path) -> None:
    train(*composed("experiment=notebook_breast_cancer", f"seed={seed}", "logger=none"))
    accuracy = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))["train/acc"]
    assert accuracy == pytest.approx(0.9227, abs=0.003)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_notebooks_digits_exercise(seed: int, composed, tmp_path: Path) -> None:
    train(*composed("experiment=notebook_digits", f"seed={seed}", "logger=none"))
    assert json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))["train/acc"] >= 0.99
