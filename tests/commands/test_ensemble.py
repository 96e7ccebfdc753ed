"""A sweep's members as one predictor: their mean by hand, by every command, and what is refused."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.conftest import Perceptron, train_in

from perceptron.composition.stored.restore import restore, restore_data
from perceptron.models import Regressor

SHORT = ("trainer.max_epochs=2", "logger=none", "figures=none")
KINDS = {
    "binary": ("model=binary_mlp", "data=moons"),
    "multiclass": ("model=softmax", "data=wine"),
    "regression": ("model=linear", "data=diabetes"),
}
Sweep = Callable[..., Path]


@pytest.fixture
def sweep(trained: Callable[..., Path], tmp_path: Path) -> Sweep:
    """A folder with a run for each tuple of settings."""

    def runs(*members: tuple[str, ...]) -> Path:
        folder = tmp_path / "sweep"
        for number, settings in enumerate(members):
            shutil.copytree(trained(*settings, *SHORT), folder / str(number))
        return folder

    return runs


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return KINDS[request.param]


def test_all_commands_give_the_mean_and_spread_by_hand(
    perceptron: Perceptron, sweep: Sweep, kind: tuple[str, ...], tmp_path: Path
) -> None:
    pytest.importorskip("pyarrow")
    onnxruntime = pytest.importorskip("onnxruntime")
    # The second has another architecture, where the model has any hidden layer.
    smaller = ("model.network.hidden=[8]",) if "model=binary_mlp" in kind else ()
    folder = sweep(kind, (*kind, "seed=1", *smaller), (*kind, "seed=2", "data.batch_size=16"))
    members = [restore(folder / str(number)) for number in range(3)]
    # What follows is held against numpy's mean and standard deviation of the members' own answers.
    data = restore_data(members[0])
    rows = data.table.features
    with torch.inference_mode():
        answers = [member.model.predict(torch.from_numpy(rows)) for member in members]
    is_regression = isinstance(members[0].model, Regressor)
    each = np.stack(
        [np.asarray(answer.labels if is_regression else answer.probabilities, dtype=np.float64) for answer in answers]
    )
    mean = each.mean(axis=0)
    labels = mean.argmax(axis=1)
    spread = each.std(axis=0) if is_regression else each.std(axis=0)[np.arange(len(rows)), labels][:, None]
    assert spread.max() > 1e-3
    wanted = np.hstack([mean, spread])
    tolerance = 1e-5 * np.maximum(1, np.abs(wanted))

    answer = perceptron("ensemble", f"run={folder}")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out == f"ensemble    {folder / 'ensemble'}, 3 members\n"
    # It needs its members no more.
    for number in range(3):
        shutil.rmtree(folder / str(number))
    run = f"run={folder / 'ensemble'}"

    source, target = tmp_path / "rows.csv", tmp_path / "answers.csv"
    np.savetxt(source, rows, delimiter=",", fmt="%.9g")
    answer = perceptron("predict", run, f"input={source}", f"output={target}")
    assert (answer.status, answer.err) == (0, "")
    with target.open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    schema = members[0].schema
    assert list(table[0])[-spread.shape[1] :] == (
        [f"spread_{name}" for name in schema.target_names] if is_regression else ["spread"]
    )
    numbers = np.array([list(row.values())[-wanted.shape[1] :] for row in table], dtype=np.float64)
    assert (np.abs(numbers - wanted) <= tolerance).all()
    if not is_regression:
        assert [row["label"] for row in table] == [schema.class_names[label] for label in labels]

    answer = perceptron("export", run, "format=onnx")
    assert (answer.status, answer.err) == (0, "")
    session = onnxruntime.InferenceSession(str(folder / "ensemble/model.onnx"), providers=["CPUExecutionProvider"])
    found = session.run(
        ["values" if is_regression else "probabilities", "spread"], {"features": rows.astype(np.float64)}
    )
    numbers = np.hstack([part.reshape(len(rows), -1) for part in found])
    assert (np.abs(numbers - wanted) <= tolerance).all()

    metrics = json.loads(perceptron("evaluate", run, "split=test", "output=-").out)
    tested = data.split.test
    target_values = data.table.target[tested]
    if is_regression:
        rmse = np.sqrt(np.square(mean[tested] - target_values).mean())
        assert metrics["test/rmse"] == pytest.approx(rmse, rel=1e-5)
        assert metrics["test/loss"] == pytest.approx(rmse**2, rel=1e-5)
    else:
        of_target = mean[tested, target_values]
        assert metrics["test/loss"] == pytest.approx(-np.log(of_target).mean(), rel=1e-5)
        assert metrics["test/acc"] == pytest.approx((labels[tested] == target_values).mean())


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_torch_programs_hold_the_spread(perceptron: Perceptron, sweep: Sweep) -> None:
    folder = sweep(KINDS["multiclass"], (*KINDS["multiclass"], "seed=1"))
    assert perceptron("ensemble", f"run={folder}").status == 0
    answer = perceptron("export", f"run={folder / 'ensemble'}", "format=torch")
    assert (answer.status, answer.err) == (0, "")
    with torch.inference_mode():
        exported = torch.export.load(folder / "ensemble/model.pt2").module()
        rows = torch.rand(5, 13)
        for got, wanted in zip(exported(rows), restore(folder / "ensemble").model.predict(rows), strict=True):
            torch.testing.assert_close(got, wanted)


def test_splits_that_differ_are_said_and_not_scored(perceptron: Perceptron, sweep: Sweep) -> None:
    kind = KINDS["regression"]
    folder = sweep(kind, (*kind, "data.split_seed=1"))
    answer = perceptron("ensemble", f"run={folder}")
    assert "splits      2: rows held out for one member trained another" in answer.out
    run = f"run={folder / 'ensemble'}"
    for split in ("all", "train", "val", "test"):
        answer = perceptron("evaluate", run, f"split={split}", "output=-")
        assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
        assert "got members with 2 splits of this table" in answer.err
    # Another split of the same table holds rows of both, too.
    assert perceptron("evaluate", run, "data.split_seed=2", "output=-").status == 2
    # Of tables that no member has seen, there is nothing to be refused.
    other = ("data=regression", "data.dataset.n_features=10", "data.dataset.n_informative=5")
    assert "test/rmse" in json.loads(perceptron("evaluate", run, *other, "output=-").out)

    # Each was standardised by training rows of its own, and yet they answer in the same units.
    members = [restore(folder / str(number)) for number in range(2)]
    scales = [float(member.model.standardize_target.scale) for member in members]
    assert scales[0] != scales[1]
    rows = torch.from_numpy(restore_data(members[0]).table.features)
    with torch.inference_mode():
        each = torch.stack([member.model.predict(rows).labels for member in members])
        got = restore(folder / "ensemble").model.predict(rows)
    torch.testing.assert_close(got.labels, each.mean(dim=0), rtol=1e-5, atol=1e-3)
    torch.testing.assert_close(got.spread, each.std(dim=0, correction=0), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (("model=softmax", "data=iris"), "share their columns, got sepal length (cm)"),
        (("model=linear", "data=diabetes"), "share their task, got regression"),
        (
            ("model=softmax", "data=wine", "model.label_smoothing=0.1"),
            "share their kind of model, got MulticlassClassifier label_smoothing=0.1",
        ),
    ],
)
def test_members_must_answer_the_same_question(
    perceptron: Perceptron, sweep: Sweep, other: tuple[str, ...], said: str
) -> None:
    folder = sweep(KINDS["multiclass"], other)
    answer = perceptron("ensemble", f"run={folder}")
    assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert said in answer.err
    assert not (folder / "ensemble").exists()


def test_unfinished_runs_and_ensembles_are_left_out(perceptron: Perceptron, sweep: Sweep) -> None:
    kind = KINDS["multiclass"]
    folder = sweep(kind, (*kind, "seed=1"), (*kind, "seed=2"))
    (folder / "1" / "metrics.json").unlink()
    answer = perceptron("ensemble", f"run={folder}")
    assert answer.out.splitlines()[0].endswith("2 members")
    assert answer.out.splitlines()[1] == "left out    1 unfinished runs"
    again = perceptron("ensemble", f"run={folder}")
    assert (again.status, again.err.count("\n")) == (2, 1)
    assert "output must not hold a run yet" in again.err
    other = perceptron("ensemble", f"run={folder}", f"output={folder / 'other'}", "checkpoint=last")
    assert other.out.splitlines()[0].endswith("2 members")
    (folder / "2" / "metrics.json").unlink()
    alone = perceptron("ensemble", f"run={folder}", f"output={folder / 'third'}")
    assert (alone.status, alone.err.count("\n")) == (2, 1)
    assert "got 1 in" in alone.err


def test_an_ensemble_is_not_trained_on(perceptron: Perceptron, sweep: Sweep) -> None:
    kind = KINDS["multiclass"]
    folder = sweep(kind, (*kind, "seed=1"))
    assert perceptron("ensemble", f"run={folder}").status == 0
    before = sorted((folder / "ensemble").rglob("*"))
    answer = perceptron("resume", f"run={folder / 'ensemble'}")
    assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert "an ensemble cannot be trained on" in answer.err
    assert sorted((folder / "ensemble").rglob("*")) == before


@pytest.mark.parametrize("command", ["ensemble", "evaluate"])
def test_members_name_no_code(perceptron: Perceptron, sweep: Sweep, command: str) -> None:
    kind = KINDS["multiclass"]
    folder = sweep(kind, (*kind, "seed=1"))
    if command == "evaluate":
        assert perceptron("ensemble", f"run={folder}").status == 0
    run = folder / ("1" if command == "ensemble" else "ensemble")
    path = run / "checkpoints" / "best.ckpt"
    contents = torch.load(path, weights_only=True)
    network = contents["perceptron"]["config"]["model"]["network"]
    (network if command == "ensemble" else network["networks"][1])["_target_"] = "os.system"
    torch.save(contents, path)
    answer = perceptron(command, f"run={folder if command == 'ensemble' else run}")
    assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert "must not name code that is not the project's, got _target_: os.system" in answer.err


def test_the_table_need_not_be_there(perceptron: Perceptron, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    table = tmp_path / "table.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["a", "b", "y"], *([i, i * i % 7, "yn"[i % 2]] for i in range(60))])
    for seed in range(2):
        folder = tmp_path / "sweep" / str(seed)
        train_in(folder, "data=table", f"data.path={table}", "data.target=y", f"seed={seed}", *SHORT)
    table.unlink()
    answer = perceptron("ensemble", f"run={tmp_path / 'sweep'}")
    assert answer.status == 0, answer.err
