"""A user's LightningModule and LightningDataModule go through training, evaluation, resume and sweeps."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.conftest import Perceptron, train_in

from perceptron.composition.stored.restore import restore
from perceptron.errors import UsageError
from perceptron.models import BinaryClassifier, MulticlassClassifier, TaskModule

PARTS = "tests.system.own_parts"
PLAIN, MY_DATA, TOLD = f"model._target_={PARTS}.Plain", f"data._target_={PARTS}.MyData", f"data._target_={PARTS}.Told"
TRUST = (
    "trust=[" + ",".join(f"{PARTS}.{name}" for name in ("Plain", "FromGroups", "TwoOptimizers", "MyData", "Told")) + "]"
)
SHORT = ("trainer.max_epochs=3", "logger=csv", "figures=none")
# Command lines, and the names in metrics.json.
LOGGED = ["test/loss", "train/loss", "val/loss"]
RUNS: dict[str, tuple[tuple[str, ...], list[str] | None]] = {
    "both": ((PLAIN, MY_DATA, "+model.width=3", "+data.n=64"), LOGGED),
    "model": ((PLAIN, "data=breast_cancer"), LOGGED),
    "data": ((TOLD,), None),
    "groups": (
        (f"model._target_={PARTS}.FromGroups", MY_DATA, "optimizer=adam", "scheduler=step", "scheduler.step_size=1"),
        LOGGED,
    ),
    "manual": (
        (f"model._target_={PARTS}.TwoOptimizers", MY_DATA, "monitor=val_acc", "mode=max"),
        ["test/loss", "train/loss", "train_loss", "val_acc"],
    ),
}


def _metrics(run: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    return found


def _trained(trained: Callable[..., Path], name: str) -> Path:
    return trained(*RUNS[name][0], *SHORT)


@pytest.mark.parametrize("name", RUNS)
def test_a_run_reports_what_is_logged_and_is_evaluated_from_its_folder(
    trained: Callable[..., Path], perceptron: Perceptron, name: str
) -> None:
    run = _trained(trained, name)
    metrics = _metrics(run)
    wanted = RUNS[name][1]
    assert wanted is None or sorted(metrics) == wanted
    assert (
        json.loads((run / "provenance.json").read_text(encoding="utf-8"))["best"]["checkpoint"]
        == "checkpoints/best.ckpt"
    )
    torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    answer = perceptron("evaluate", f"run={run}", TRUST, "output=-")
    assert answer.status == 0, answer.err
    found = json.loads(answer.out)
    assert found
    assert {key: metrics[key] for key in found if key in metrics} == found


def test_a_model_gets_the_numbers_of_the_data(trained: Callable[..., Path]) -> None:
    run = trained(PLAIN, "data=breast_cancer", *SHORT)
    weights = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    assert weights["net.0.weight"].shape == (4, 30)


def test_the_settings_of_the_constructors_count(trained: Callable[..., Path]) -> None:
    run = _trained(trained, "both")
    checkpoint = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    assert checkpoint["state_dict"]["net.0.weight"].shape == (3, 5)
    assert checkpoint["hyper_parameters"] == {"n_features": 5, "width": 3, "lr": 0.05}
    config = checkpoint["perceptron"]["config"]
    assert config["model"] == {"_target_": f"{PARTS}.Plain", "width": 3}
    assert config["data"] == {"_target_": f"{PARTS}.MyData", "n": 64}


def test_files_of_ones_own_groups_name_them(perceptron: Perceptron, tmp_path: Path) -> None:
    for group, text in (
        ("model", f"_target_: {PARTS}.FromGroups\nwidth: 6\noptimizer: ${{optimizer}}\n"),
        ("data", f"_target_: {PARTS}.MyData\nn: 48\n"),
    ):
        (tmp_path / "conf" / group).mkdir(parents=True)
        (tmp_path / "conf" / group / "mine.yaml").write_text(text, encoding="utf-8")
    settings = ("--config-dir", tmp_path / "conf", "model=mine", "data=mine", "data.n=64", "optimizer.lr=0.3", *SHORT)
    answer = perceptron("train", *settings, f"hydra.run.dir={tmp_path / 'run'}")
    assert answer.status == 0, answer.err
    checkpoint = torch.load(tmp_path / "run" / "checkpoints" / "best.ckpt", weights_only=True)
    assert checkpoint["state_dict"]["net.0.weight"].shape == (6, 5)
    assert checkpoint["optimizer_states"][0]["param_groups"][0]["lr"] == 0.3
    assert checkpoint["perceptron"]["config"]["data"] == {"_target_": f"{PARTS}.MyData", "n": 64}


def test_objects_among_the_hyper_parameters_are_left_out(trained: Callable[..., Path]) -> None:
    run = _trained(trained, "groups")
    checkpoint = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    assert "optimizer" not in checkpoint["hyper_parameters"]
    assert checkpoint["optimizer_states"][0]["param_groups"][0]["lr"] < 0.01


@pytest.mark.parametrize("name", ["both", "model", "data", "groups", "manual"])
def test_a_run_that_resumes_at_an_epochs_end_ends_with_the_same_bits(
    perceptron: Perceptron, tmp_path: Path, name: str
) -> None:
    settings = (*RUNS[name][0], *SHORT)
    whole = train_in(tmp_path / "whole", *settings)
    part = train_in(tmp_path / "part", *settings, "trainer.max_epochs=1")
    answer = perceptron("resume", f"run={part}", TRUST, "trainer.max_epochs=3")
    assert answer.status == 0, answer.err
    weights = [torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"] for run in (whole, part)]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    assert _metrics(part) == _metrics(whole)


@pytest.mark.filterwarnings("ignore:You passed in a `val_dataloader`", "ignore:`ModelCheckpoint")
@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ((PLAIN, "optimizer.lr=0.1"), f"optimizer.lr has no effect on {PARTS}.Plain, which makes its own optimizer"),
        (
            (f"model._target_={PARTS}.FromGroups", MY_DATA, "model.optimizer.lr=0.1"),
            "model.optimizer must be settings with a _target_, got {'lr': 0.1}; set optimizer.<setting>",
        ),
        ((PLAIN, "compile=true"), "compile is for this project's models"),
        ((PLAIN, "figures=epoch"), "figures=epoch draws the answers of this project's models"),
        ((PLAIN, "+model.widht=3"), "there is no setting model.widht; did you mean model.width?"),
        ((PLAIN, "+model.width=x"), "model.width must be a whole number, got 'x'"),
        ((PLAIN, MY_DATA, "monitor=val/acc", "mode=max"), "monitor must be a metric that this run logs, got val/acc"),
        ((f"model._target_={PARTS}.WithoutTest", MY_DATA), "monitor must be a metric that this run logs, got val/loss"),
        ((f"model._target_={PARTS}.WithoutOptimizer",), "model must be a LightningModule with configure_optimizers"),
        ((f"model._target_={PARTS}.Diverging", MY_DATA), "the loss"),
        (
            (PLAIN, f"data._target_={PARTS}.WithoutRows"),
            "got tests.system.own_parts.WithoutRows without train_",
        ),
        ((MY_DATA,), f"got {PARTS}.MyData without n_features; give it the attributes n_features, and n_classes"),
        ((f"data._target_={PARTS}.InDoubles",), "must hold features (rows, 5) float32 and classes (rows,) int64"),
        ((TOLD, "model.threshold=auto"), "model.threshold=auto is chosen on the validation rows of a table"),
        ((TOLD, "model=sklearn_svc"), "a scikit-learn estimator is fitted to a table of this project"),
        ((TOLD, "model=linear"), "model=linear needs a continuous target"),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(value).replace(PARTS, ""),
)
def test_a_mistake_is_one_line(perceptron: Perceptron, tmp_path: Path, settings: tuple[str, ...], line: str) -> None:
    answer = perceptron("train", f"hydra.run.dir={tmp_path / 'run'}", *SHORT, *settings)
    assert answer.status == 2
    assert line in answer.err
    assert len([each for each in answer.err.splitlines() if each.startswith("error: ")]) == 1
    assert "Traceback" not in answer.err


@pytest.mark.filterwarnings("ignore:You passed in a `val_dataloader`")
def test_what_is_not_evaluated_is_said(perceptron: Perceptron, tmp_path: Path) -> None:
    settings = (f"model._target_={PARTS}.WithoutTest", MY_DATA, "monitor=train/loss")
    answer = perceptron("train", f"hydra.run.dir={tmp_path / 'run'}", *SHORT, *settings)
    assert answer.status == 0, answer.err
    assert "test        none: it needs a test_step of the model" in answer.out
    assert sorted(_metrics(tmp_path / "run")) == ["train/loss"]


@pytest.mark.parametrize(
    ("name", "arguments", "line"),
    [
        ("both", ("predict", "input=rows.csv", "output=out.csv"), "this is for this project's models"),
        ("both", ("export", "format=torch"), "this is for this project's models"),
        (
            "data",
            ("predict", "input=rows.csv", "output=out.csv"),
            "raw rows are for models that were trained on",
        ),
    ],
)
def test_what_needs_raw_rows_is_refused(
    trained: Callable[..., Path],
    perceptron: Perceptron,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    arguments: tuple[str, ...],
    line: str,
) -> None:
    pytest.importorskip("pyarrow")
    run = _trained(trained, name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text("1,2,3,4,5\n", encoding="utf-8")
    answer = perceptron(arguments[0], f"run={run}", TRUST, *arguments[1:])
    assert answer.status == 2
    assert line in answer.err


def test_a_stored_run_of_ones_own_needs_trust(trained: Callable[..., Path], perceptron: Perceptron) -> None:
    answer = perceptron("evaluate", f"run={_trained(trained, 'both')}", "output=-")
    assert answer.status == 2
    assert f"type 'trust=[{PARTS}." in answer.err


@pytest.mark.parametrize("launcher", ["basic", "population"])
def test_a_sweep_ranks_its_jobs(perceptron: Perceptron, tmp_path: Path, launcher: str) -> None:
    settings = (PLAIN, MY_DATA, "+model.lr=0.1,0.0001", "trainer.max_epochs=2", "logger=none", "figures=none")
    answer = perceptron("train", "-m", f"hydra.sweep.dir={tmp_path}", f"hydra/launcher={launcher}", *settings)
    assert answer.status == 0, answer.err
    losses = [_metrics(tmp_path / job)["val/loss"] for job in ("0", "1")]
    assert losses[0] != losses[1]
    assert (tmp_path / "summary.csv").is_file()


class _Wide(torch.nn.Linear):
    def __init__(self, n_features: int, n_outputs: int) -> None:
        super().__init__(n_features, n_outputs)


@pytest.mark.parametrize("kind", [BinaryClassifier, TaskModule])
def test_a_checkpoint_loads_by_lightnings_own_way(trained: Callable[..., Path], kind: Any) -> None:
    run = trained("model=binary_mlp", "data=moons", "model.threshold=auto", *SHORT)
    path = run / "checkpoints" / "best.ckpt"
    model = kind.load_from_checkpoint(path)
    features = torch.randn(7, 2)
    assert not model.training
    assert torch.equal(model.predict(features).probabilities, restore(run).model.predict(features).probabilities)


def test_a_checkpoint_of_another_kind_or_of_ones_own_network_is_one_line(trained: Callable[..., Path]) -> None:
    run = trained("model=binary_mlp", "data=moons", *SHORT)
    with pytest.raises(UsageError, match="must hold a MulticlassClassifier, got a BinaryClassifier"):
        MulticlassClassifier.load_from_checkpoint(run / "checkpoints" / "best.ckpt")
    run = trained("data=moons", f"model.network._target_={__name__}._Wide", *SHORT)
    path = run / "checkpoints" / "best.ckpt"
    with pytest.raises(UsageError, match=r"type 'trust="):
        BinaryClassifier.load_from_checkpoint(path)
    assert isinstance(BinaryClassifier.load_from_checkpoint(path, trust=[f"{__name__}._Wide"]).network, _Wide)


def test_a_checkpoint_that_no_run_has_written_loads_with_its_parts(
    trained: Callable[..., Path], tmp_path: Path
) -> None:
    run = trained("model=binary_mlp", "data=moons", *SHORT)
    model = BinaryClassifier.load_from_checkpoint(run / "checkpoints" / "best.ckpt")
    contents = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    del contents["perceptron"]
    torch.save(contents, tmp_path / "plain.ckpt")
    again = BinaryClassifier.load_from_checkpoint(
        tmp_path / "plain.ckpt", network=model.network, standardize=model.standardize
    )
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), model.parameters(), strict=True))
