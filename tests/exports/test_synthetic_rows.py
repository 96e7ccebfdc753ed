"""A model is exported where the data of its run is gone: made rows check it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.conftest import Perceptron

from perceptron.data.columns.encoding import encode, encoded_names, fit_encoding
from perceptron.exports.synthetic_rows import made_features, made_frame

N = 200


def _mixed() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame({
        "age": random.normal(40, 10, N).round(1), "city": random.choice(["Bern", "Basel", None], N),
        "member": random.random(N) < 0.5, "day": pd.date_range("2019-01-01", periods=N, freq="3D").strftime("%d.%m.%Y"),
        "clock": pd.date_range("2019-01-01", periods=N, freq="7min").strftime("%Y-%m-%d %H:%M"),
    })  # fmt: skip


def test_made_columns_become_features_like_those_of_the_training_rows() -> None:
    frame = _mixed()
    codes = fit_encoding(frame)
    features = encode(frame, codes).astype(np.float64)
    mean, scale = features.mean(axis=0), features.std(axis=0)
    made = encode(made_frame(codes, mean, scale, n_rows=1000), codes)
    year, age = (encoded_names(codes).index(name) for name in ("day.year", "age"))
    for column in (year, age):
        assert made[:, column].mean() == pytest.approx(mean[column], abs=0.2 * scale[column])
        assert made[:, column].std() == pytest.approx(scale[column], rel=0.2)
    assert set(made[:, encoded_names(codes).index("member")]) == {0, 1}
    # Known and unknown ones.
    assert set(made[:, encoded_names(codes).index("city=Bern")]) == {0, 1}


def test_made_features_are_the_same_in_each_call() -> None:
    mean, scale = np.array([5.0, -1.0]), np.array([2.0, 0.0])
    first = made_features(mean, scale, n_rows=500)
    np.testing.assert_array_equal(first, made_features(mean, scale, n_rows=500))
    assert first[:, 0].mean() == pytest.approx(5, abs=0.5)
    assert (first[:, 1] == -1).all()


@pytest.fixture
def run(tmp_path: Path, perceptron: Perceptron) -> Path:
    _mixed().assign(y=np.arange(N) % 2).to_csv(tmp_path / "rows.csv", index=False)
    settings = ("data=table", f"data.path={tmp_path}/rows.csv", "data.target=y", f"hydra.run.dir={tmp_path}/run")
    answer = perceptron("train", *settings, "figures=none", "logger=none", "trainer.max_epochs=1")
    assert answer.status == 0, answer.err
    (tmp_path / "rows.csv").unlink()
    return tmp_path / "run"


@pytest.mark.parametrize("kind", ["onnx", "torch"])
def test_the_command_says_so(run: Path, kind: str, tmp_path: Path, perceptron: Perceptron) -> None:
    pytest.importorskip("onnxruntime")
    output = tmp_path / "model"
    answer = perceptron("export", f"run={run}", f"format={kind}", f"output={output}")
    assert answer.status == 0, answer.err
    assert f"checked     {1001 if kind == 'onnx' else 1000} generated rows, largest difference" in answer.out
    assert "the run's data cannot be read: data.path must be a file or a pattern of files, got" in answer.out
    assert output.stat().st_size > 1000
    # Other data that is typed must be there.
    answer = perceptron("export", f"run={run}", f"format={kind}", f"output={output}", "data.path=other.csv")
    assert (answer.status, answer.out) == (2, "")
    assert json.loads((run / "metrics.json").read_text(encoding="utf-8"))
