"""Numbers far from zero for their spread, such as times in seconds, keep what tells them apart."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tests.conftest import Perceptron, train_in

from perceptron.commands import predict
from perceptron.composition.stored.restore import restore, restore_data
from perceptron.errors import UsageError
from perceptron.estimators import PerceptronRegressor
from perceptron.figures.predictions import predict_split
from perceptron.runs.checkpoints.checkpoint_file import read_checkpoint
from perceptron.runs.checkpoints.metadata import KEY

SHORT = ("logger=none", "figures=none")


def _write(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_csv(path, index=False) if path.suffix == ".csv" else frame.to_parquet(path)
    return path


def _far_target(n: int = 150) -> pd.DataFrame:
    """float32 has steps of 64 at 1e9, where this target varies by 25."""
    x = np.random.default_rng(0).normal(size=n).round(4)
    return pd.DataFrame({"x": x, "y": (1e9 + 10 * x).round(3)})


def _far_feature(n: int = 200) -> pd.DataFrame:
    """A time written as one number, which tells day from night; float32 has steps of two million there."""
    random = np.random.default_rng(0)
    hour, minute, second = random.integers(0, 24, n), random.integers(0, 60, n), random.integers(0, 60, n)
    stamp = 20260131_000000 + hour * 10_000 + minute * 100 + second
    return pd.DataFrame({"stamp": stamp, "noise": random.normal(size=n), "y": np.where(hour < 12, "am", "pm")})


@pytest.fixture(scope="module")
def far_target(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, Path]:
    folder = tmp_path_factory.mktemp("target")
    frame = _far_target()
    path = _write(frame, folder / "target.csv")
    settings = ("data=table", f"data.path={path}", "data.target=y", "model=linear", "optimizer=adam",
                "optimizer.lr=0.1", "trainer.max_epochs=40")  # fmt: skip
    return frame, train_in(folder / "run", *settings, *SHORT)


@pytest.fixture(scope="module")
def far_feature(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, Path]:
    folder = tmp_path_factory.mktemp("feature")
    frame = _far_feature()
    path = _write(frame, folder / "feature.csv")
    settings = ("data=table", f"data.path={path}", "data.target=y", "model=logistic", "optimizer=adam",
                "optimizer.lr=0.1", "trainer.max_epochs=40")  # fmt: skip
    return frame, train_in(folder / "run", *settings, *SHORT)


def _answers(run: Path, rows: Path) -> pd.DataFrame:
    predict.main([f"run={run}", f"input={rows}", f"output={rows.with_suffix('.answers.parquet')}"])
    return pd.read_parquet(rows.with_suffix(".answers.parquet"))


def test_a_target_far_from_zero_is_learnt_and_answered_in_its_units(
    far_target: tuple[pd.DataFrame, Path], tmp_path: Path
) -> None:
    frame, run = far_target
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    # Of a target that was one number, the error was 0 and R² 1.
    assert 0 < metrics["test/rmse"] < 0.5
    assert metrics["test/r2"] > 0.995
    found = _answers(run, _write(frame[["x"]], tmp_path / "rows.csv"))["y"]
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, frame.y, atol=2, rtol=0)
    assert np.corrcoef(found, frame.y)[0, 1] > 0.9999


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_feature_far_from_zero_tells_the_class(
    far_feature: tuple[pd.DataFrame, Path], tmp_path: Path, suffix: str
) -> None:
    frame, run = far_feature
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["test/auroc"] > 0.99
    found = _answers(run, _write(frame.drop(columns="y"), tmp_path / f"rows{suffix}"))
    assert (found["label"] == frame.y).mean() > 0.97


@pytest.mark.parametrize("kind", ["target", "feature"])
def test_an_onnx_graph_takes_and_gives_double_precision(
    perceptron: Perceptron, request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    frame, run = request.getfixturevalue(f"far_{kind}")
    path = tmp_path / "model.onnx"
    answer = perceptron("export", f"run={run}", "format=onnx", f"output={path}")
    assert (answer.status, answer.err) == (0, "")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rows = frame.drop(columns="y").astype(np.float64)
    found = session.run(None, {name: rows[name].to_numpy() for name in rows})[-1]
    wanted = _answers(run, _write(rows, tmp_path / "rows.parquet"))
    names = ["y"] if kind == "target" else ["p_am", "p_pm"]
    np.testing.assert_allclose(found, wanted[names], rtol=0, atol=1e-4)


def test_an_export_without_the_data_is_checked_with_rows_like_those_of_training(
    perceptron: Perceptron, far_target: tuple[pd.DataFrame, Path], tmp_path: Path
) -> None:
    pytest.importorskip("onnx")
    _, run = far_target
    data = run.parent / "target.csv"
    hidden = data.rename(tmp_path / "hidden.csv")
    try:
        answer = perceptron("export", f"run={run}", "format=onnx", f"output={tmp_path / 'model.onnx'}")
    finally:
        hidden.rename(data)
    assert answer.status == 0, answer.err
    assert "generated rows, largest difference" in answer.out


def test_evaluation_on_a_copy_of_the_file_is_that_of_the_run(
    perceptron: Perceptron, far_target: tuple[pd.DataFrame, Path], tmp_path: Path
) -> None:
    frame, run = far_target
    copy = _write(frame, tmp_path / "copy.parquet")
    answer = perceptron("evaluate", f"run={run}", f"data.path={copy}", "output=-")
    assert json.loads(answer.out) == json.loads((run / "metrics.json").read_text(encoding="utf-8"))


def test_a_regression_whose_values_come_near_zero_is_exported(
    perceptron: Perceptron, trained: Callable[..., Path], tmp_path: Path
) -> None:
    """Rounding of values in the hundreds is more than a fixed difference in the target's units."""
    pytest.importorskip("onnx")
    run = trained("data=regression", "model=regression_mlp", "trainer.max_epochs=10", *SHORT)
    for kind in ("onnx", "torch"):
        answer = perceptron("export", f"run={run}", f"format={kind}", f"output={tmp_path / kind}")
        assert (answer.status, answer.err) == (0, "")


def test_an_ensemble_of_tables_that_are_counted_from_elsewhere(perceptron: Perceptron, tmp_path: Path) -> None:
    frames = [pd.DataFrame({"x": frame.x + shift, "y": frame.y + 1000 * shift})
              for shift, frame in ((1e7, _far_target()), (1e7 + 1, _far_target()))]  # fmt: skip
    for number, frame in enumerate(frames):
        path = _write(frame, tmp_path / f"{number}.parquet")
        train_in(tmp_path / "sweep" / str(number), "data=arrays", f"data.features={path}", "data.target=y",
                 "model=linear", "optimizer=adam", "optimizer.lr=0.1", "trainer.max_epochs=10", *SHORT)  # fmt: skip
    runs = [tmp_path / "sweep" / str(number) for number in range(2)]
    schemas = [restore(run).schema for run in runs]
    assert schemas[0].feature_offsets != schemas[1].feature_offsets
    assert schemas[0].target_offsets != schemas[1].target_offsets
    assert perceptron("ensemble", f"run={tmp_path / 'sweep'}").status == 0
    rows = _write(frames[0][["x"]], tmp_path / "rows.csv")
    alone = np.stack([_answers(run, rows)["y0"] for run in runs])
    together = _answers(tmp_path / "sweep/ensemble", rows)
    np.testing.assert_allclose(together["y0"], alone.mean(axis=0), rtol=0, atol=1e-2)
    np.testing.assert_allclose(together["spread_y0"], alone.std(axis=0), rtol=0, atol=1e-2)


def test_a_checkpoint_without_offsets_is_of_columns_counted_from_zero(
    trained: Callable[..., Path], tmp_path: Path
) -> None:
    """As every checkpoint of an earlier version."""
    run = trained("data=wine", "model=softmax", "trainer.max_epochs=2", *SHORT)
    contents = read_checkpoint(run / "checkpoints/best.ckpt")
    for name in ("feature_offsets", "target_offsets"):
        assert contents[KEY]["schema"].pop(name) == ()
    torch.save(contents, tmp_path / "old.ckpt")
    assert restore(tmp_path / "old.ckpt").schema == restore(run).schema
    contents[KEY]["schema"]["feature_offsets"] = (1.0, 2.0)
    torch.save(contents, tmp_path / "old.ckpt")
    with pytest.raises(UsageError, match="feature_offsets must be one for each of its feature_names, got 2 for 13 in"):
        restore(tmp_path / "old.ckpt")


def test_figures_and_the_report_on_the_data_are_in_the_columns_units(far_target: tuple[pd.DataFrame, Path]) -> None:
    frame, run = far_target
    report = json.loads((run / "data_report.json").read_text(encoding="utf-8"))
    assert report["target"]["columns"]["y"]["mean"] == pytest.approx(frame.y.mean(), abs=1e-3, rel=0)
    restored = restore(run)
    answers = predict_split(restored.model, restore_data(restored), "test")
    np.testing.assert_allclose(answers.target[:, 0], frame.y[answers.row_numbers], rtol=0, atol=1e-3)
    np.testing.assert_allclose(answers.labels, answers.target, rtol=0, atol=2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_estimator_learns_a_target_far_from_zero(dtype: type) -> None:
    frame = _far_target()
    x = frame[["x"]].to_numpy(dtype=dtype)
    fitted = PerceptronRegressor((), learning_rate=0.1, batch_size=20, max_epochs=40, random_state=0).fit(x, frame.y)
    np.testing.assert_allclose(fitted.predict(x), frame.y, rtol=0, atol=1)


def test_r2_of_a_constant_target_is_not_defined_and_said_to_be(perceptron: Perceptron, tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": np.random.default_rng(0).normal(size=60), "y": 0.1})
    path = _write(frame, tmp_path / "constant.csv")
    settings = ("data=table", f"data.path={path}", "data.target=y", "data.task=regression", "model=linear")
    answer = perceptron("train", *settings, "trainer.max_epochs=2", f"hydra.run.dir={tmp_path / 'run'}", *SHORT)
    assert answer.status == 0
    assert json.loads((tmp_path / "run/metrics.json").read_text(encoding="utf-8"))["test/r2"] is None
    assert "– r2: needs two rows with different targets" in answer.out  # noqa: RUF001
