"""A mixed table from file to run, evaluation, predictions and export."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.conftest import train_in
from tests.data.mixed_table import mixed

from perceptron.commands import evaluate, export, predict

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """Run folder of a training on a CSV file."""
    folder = tmp_path_factory.mktemp("own")
    mixed(800, seed=0).to_csv(folder / "churn.csv", index=False)
    return train_in(
        folder / "run", "data=table", f"data.path={folder / 'churn.csv'}", "data.target=churned", "optimizer=adam",
        "optimizer.lr=0.01", "trainer.max_epochs=25", "logger=none",
    )  # fmt: skip


def _answers(run: Path, rows: Path) -> pd.DataFrame:
    predict.main([f"run={run}", f"input={rows}", f"output={rows.with_suffix('.answers.csv')}"])
    return pd.read_csv(rows.with_suffix(".answers.csv"))


def test_it_learns_the_rule_and_reports_on_the_data(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["test/acc"] > 0.85
    report = json.loads((run / "data_report.json").read_text(encoding="utf-8"))
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


def test_the_onnx_graph_takes_raw_columns(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    rows = mixed(300, seed=2)
    rows.loc[0, "city"] = "Paris"
    rows.loc[1, ["city", "joined", "age"]] = None
    wanted = _answers(run, Path(_csv(rows, tmp_path / "rows.csv")))
    export.main([f"run={run}", "format=onnx", f"output={tmp_path / 'model.onnx'}"])
    assert "takes       raw columns" in capsys.readouterr().out
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    inputs = {
        "joined": (rows.joined - pd.Timestamp(0)).dt.total_seconds().to_numpy(),
        "member": rows.member.to_numpy(dtype=np.float32),
        "city": rows.city.fillna("").to_numpy(dtype=object),
        "age": rows.age.to_numpy(dtype=np.float64),
    }
    labels, probabilities = session.run(["label", "probabilities"], inputs)
    np.testing.assert_allclose(probabilities, wanted[["p_no", "p_yes"]], atol=1e-5)
    assert list(wanted.label) == [["no", "yes"][label] for label in labels]
    described = json.loads(session.get_modelmeta().custom_metadata_map["inputs"])
    assert {"name": "city", "column": "city", "kind": "category", "missing": ""} in described


def test_the_torch_program_takes_encoded_features(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export.main([f"run={run}", "format=torch", f"output={tmp_path / 'model.pt2'}"])
    assert "takes       encoded features" in capsys.readouterr().out
