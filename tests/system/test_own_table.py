"""A mixed table from file to run, evaluation, predictions and export."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perceptron.commands import evaluate, export, predict
from perceptron.composition import command_line

pytestmark = pytest.mark.slow


def mixed(n: int, seed: int) -> pd.DataFrame:
    """The answer is yes where at least two of four things hold, which no single column tells."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": random.normal(40, 10, n).round(1),
            "city": random.choice(["Bern", "Basel", "Genf"], n),
            "member": random.random(n) < 0.5,
            "joined": pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 1500, n), unit="D"),
        }
    )
    score = (frame.age > 40).astype(int) + (frame.city == "Bern") + frame.member + (frame.joined > "2022-01-01")
    frame["churned"] = np.where(score >= 2, "yes", "no")
    frame.loc[random.random(n) < 0.1, "age"] = np.nan
    frame.loc[random.random(n) < 0.1, "city"] = None
    return frame


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """Run folder of a training on a CSV file, by the command line as typed."""
    folder = tmp_path_factory.mktemp("own")
    mixed(800, seed=0).to_csv(folder / "churn.csv", index=False)
    before = sys.argv
    sys.argv = [
        "train.py", "data=table", f"data.path={folder / 'churn.csv'}", "data.target=churned", "optimizer=adam",
        "optimizer.lr=0.01", "trainer.max_epochs=25", f"paths.log_dir={folder}", "logger=none",
    ]  # fmt: skip
    try:
        command_line.main()
    finally:
        sys.argv = before
    (found,) = (folder / "train/runs").iterdir()
    return found


def _answers(run: Path, rows: Path) -> pd.DataFrame:
    predict.main([f"run={run}", f"input={rows}", f"output={rows.with_suffix('.answers.csv')}"])
    return pd.read_csv(rows.with_suffix(".answers.csv"))


def test_it_learns_the_rule_and_reports_on_the_data(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["test/acc"] > 0.85
    report = json.loads((run / "data_report.json").read_text())
    assert report["rows"] == 800
    assert {column["name"]: column["kind"] for column in report["columns"]} == {
        "age": "number", "city": "category", "member": "boolean", "joined": "date",
    }  # fmt: skip
    evaluate.main([f"run={run}"])


def test_new_rows_in_any_order_and_format_with_what_was_never_seen(run: Path, tmp_path: Path) -> None:
    rows = mixed(300, seed=1)
    known = _answers(run, Path(_csv(rows, tmp_path / "rows.csv")))
    label = known.columns[[str(name).startswith(("label", "predict")) for name in known.columns]][0]
    right = (known[label].to_numpy() == rows.churned.to_numpy()).mean()
    assert right > 0.85
    shuffled = rows[["joined", "member", "city", "age"]]
    shuffled.to_parquet(tmp_path / "rows.parquet")
    pd.testing.assert_frame_equal(_answers(run, tmp_path / "rows.parquet"), known)
    pd.testing.assert_frame_equal(_answers(run, Path(_csv(shuffled, tmp_path / "again.csv"))), known)
    strange = rows.astype(object)
    strange.loc[0, "city"] = "Paris"
    strange.loc[1, ["member", "joined"]] = None
    strange.loc[2] = None
    answers = _answers(run, Path(_csv(strange, tmp_path / "strange.csv")))
    assert len(answers) == 300
    assert answers.notna().all(axis=None)
    pd.testing.assert_frame_equal(answers[3:], known[3:])


def _csv(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_csv(path, index=False)
    return path


def test_the_exported_graph_takes_the_encoded_features(run: Path, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    import torch

    from perceptron.composition.stored.restore import restore
    from perceptron.data.encoding import encode, from_texts

    restored = restore(run)
    features = encode(mixed(50, seed=2), from_texts(restored.schema.encoding))
    export.main([f"run={run}", "format=onnx", f"output={tmp_path / 'model.onnx'}"])
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    got = session.run(None, {session.get_inputs()[0].name: features})
    with torch.inference_mode():
        want = restored.model.predict(torch.from_numpy(features)).probabilities
    assert want is not None
    assert any(np.allclose(np.asarray(part, dtype=np.float64).reshape(-1)[: want.numel()], want.flatten(), atol=1e-5)
               for part in got if np.asarray(part).size == want.numel())  # fmt: skip
