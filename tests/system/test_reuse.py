"""A finished run, used again: evaluated, exported and asked, it gives the numbers that it reported."""

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from tests.conftest import Perceptron

from perceptron.composition.stored.restore import restore, restore_data

MODELS = {
    "logistic": "breast_cancer",
    "binary_mlp": "moons",
    "softmax": "wine",
    "digits_mlp": "digits",
    "linear": "diabetes",
    "regression_mlp": "regression",
}


# One of each kind of task in the fast suite.
FAST = ("logistic", "digits_mlp", "linear")


@pytest.fixture(params=[name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in MODELS])
def run(request: pytest.FixtureRequest, trained: Callable[..., Path]) -> Path:
    return trained(f"model={request.param}", f"data={MODELS[request.param]}", "trainer.max_epochs=2", "logger=none")


def _answers(run: Path) -> tuple[Any, npt.NDArray[np.float64], npt.NDArray[Any]]:
    """Columns, raw rows, and the module's own numbers."""
    restored = restore(run)
    rows = restore_data(restored).table.features.astype(np.float64)
    with torch.inference_mode():
        labels, probabilities, _ = restored.answers.predict(torch.from_numpy(rows))
    return restored.schema, rows, (labels if probabilities is None else probabilities).numpy()


def _close(got: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> bool:
    return bool((np.abs(got - wanted) <= 1e-5 * np.maximum(1, np.abs(wanted))).all())


def test_evaluate_gives_the_same_bits(perceptron: Perceptron, run: Path, tmp_path: Path) -> None:
    output = tmp_path / "metrics.json"
    answer = perceptron("evaluate", f"run={run}", f"output={output}")
    assert (answer.status, answer.err) == (0, "")
    assert output.read_bytes() == (run / "metrics.json").read_bytes()
    alone = json.loads(perceptron("evaluate", f"run={run}", "split=test", "output=-").out)
    assert alone == {
        name: value
        for name, value in json.loads(output.read_text(encoding="utf-8")).items()
        if name.startswith("test/")
    }


def test_a_checkpoint_needs_nothing_beside_it(perceptron: Perceptron, run: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.ckpt"
    alone.write_bytes((run / "checkpoints" / "best.ckpt").read_bytes())
    torch.load(alone, weights_only=True)
    answer = perceptron("evaluate", f"run={alone}", "output=-")
    assert json.loads(answer.out) == json.loads((run / "metrics.json").read_text(encoding="utf-8"))


def test_another_split_gives_other_numbers(perceptron: Perceptron, run: Path) -> None:
    other = json.loads(perceptron("evaluate", f"run={run}", "data.split_seed=5", "output=-").out)
    own = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert other.keys() == own.keys()
    assert other["test/loss"] != own["test/loss"]


def test_an_evaluation_alone_takes_batches_from_the_device_that_has_room(
    perceptron: Perceptron, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr("perceptron.data.device.has_room", lambda device, n_bytes: asked.append((device, n_bytes)))
    answer = perceptron("evaluate", f"run={run}", "trainer.accelerator=cpu", "output=-")
    assert {device.type for device, _ in asked} == {"cpu"}
    assert json.loads(answer.out) == json.loads((run / "metrics.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_predict_agrees_with_the_module(perceptron: Perceptron, run: Path, tmp_path: Path, suffix: str) -> None:
    pd = pytest.importorskip("pandas")
    schema, rows, wanted = _answers(run)
    frame = pd.DataFrame(rows, columns=schema.feature_names)
    frame["who"] = [f"p{i}" for i in range(len(frame))]
    frame["note"] = "x"
    frame = frame[sorted(frame.columns)]
    source, target = tmp_path / f"rows.{suffix}", tmp_path / f"answers.{suffix}"
    frame.to_csv(source, index=False) if suffix == "csv" else frame.to_parquet(source)
    answer = perceptron("predict", f"run={run}", f"input={source}", f"output={target}", "id=who", "ignore=[note]")
    assert (answer.status, answer.err) == (0, "")
    answers = pd.read_csv(target) if suffix == "csv" else pd.read_parquet(target)
    assert list(answers.columns) == _columns(schema)
    assert list(answers["who"]) == list(frame["who"])
    numbers = answers.to_numpy()[:, -wanted.shape[1] :].astype(np.float64)
    assert _close(numbers, wanted)
    if schema.class_names:
        assert [str(label) for label in answers["label"]] == [schema.class_names[i] for i in wanted.argmax(axis=1)]


def _columns(schema: Any) -> list[str]:
    answers = ["label", *(f"p_{name}" for name in schema.class_names)] if schema.class_names else schema.target_names
    return ["who", *answers]


def test_predict_without_names_on_standard_streams(
    perceptron: Perceptron, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow")
    _, rows, wanted = _answers(run)
    text = "\n".join(",".join(map(str, row)) for row in rows[:5])
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8"))
    answer = perceptron("predict", f"run={run}", "input=-", "output=-")
    assert answer.status == 0, answer.err
    lines = answer.out.splitlines()
    assert lines[0].startswith('"row"')
    numbers = np.array([line.split(",")[-wanted.shape[1] :] for line in lines[1:]], dtype=np.float64)
    assert _close(numbers, wanted[:5])


def test_onnx_agrees_with_the_module(perceptron: Perceptron, run: Path, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    path = tmp_path / "model.onnx"
    answer = perceptron("export", f"run={run}", "format=onnx", f"output={path}")
    assert (answer.status, answer.err) == (0, "")
    schema, rows, wanted = _answers(run)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = "probabilities" if schema.class_names else "values"
    for n_rows in (1, 7, len(rows)):
        (numbers,) = session.run([name], {"features": rows[:n_rows]})
        assert _close(numbers, wanted[:n_rows])
    if schema.class_names:
        (labels,) = session.run(["label"], {"features": rows})
        assert (labels == wanted.argmax(axis=1)).all()
    metadata = session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(metadata["class_names"])) == schema.class_names
    assert tuple(json.loads(metadata["feature_names"])) == schema.feature_names
    assert json.loads(metadata["provenance"])["step"] > 0


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_torch_program_agrees_with_the_module(perceptron: Perceptron, run: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    answer = perceptron("export", f"run={run}", "format=torch", f"output={path}")
    assert (answer.status, answer.err) == (0, "")
    schema, rows, wanted = _answers(run)
    extra = dict.fromkeys(("class_names", "provenance"), "")
    program = torch.export.load(path, extra_files=extra).module()
    for n_rows in (1, 7, len(rows)):
        numbers = program(torch.from_numpy(rows[:n_rows]))[-1]
        assert _close(numbers.detach().numpy(), wanted[:n_rows])
    assert tuple(json.loads(extra["class_names"])) == schema.class_names
    assert json.loads(extra["provenance"])["step"] > 0


def test_export_that_does_not_agree_is_not_written(
    perceptron: Perceptron, trained: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained("model=softmax", "data=wine", "trainer.max_epochs=2", "logger=none")
    monkeypatch.setattr("perceptron.exports.agreement.TOLERANCE", -1.0)
    path = tmp_path / "model.pt2"
    path.write_bytes(b"an earlier export")
    answer = perceptron("export", f"run={run}", "format=torch", f"output={path}")
    assert answer.status == 2
    assert "must agree with the model" in answer.err
    assert path.read_bytes() == b"an earlier export"


def test_a_moved_run_is_the_same(perceptron: Perceptron, trained: Callable[..., Path], tmp_path: Path) -> None:
    source = trained("model=softmax", "data=wine", "trainer.max_epochs=2", "logger=none")
    shutil.copytree(source, tmp_path / "elsewhere")
    answer = perceptron("evaluate", f"run={tmp_path / 'elsewhere'}", "output=-")
    assert json.loads(answer.out) == json.loads((source / "metrics.json").read_text(encoding="utf-8"))


def test_without_pyarrow_a_line_says_what_to_install(
    perceptron: Perceptron, trained: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained("model=softmax", "data=wine", "trainer.max_epochs=2", "logger=none")
    (tmp_path / "rows.csv").write_text("1\n", encoding="utf-8")
    for module in ("answer_file", "columnar_files", "input_rows"):
        monkeypatch.delitem(sys.modules, f"perceptron.prediction.{module}", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = perceptron("predict", f"run={run}", f"input={tmp_path / 'rows.csv'}", f"output={tmp_path / 'out.csv'}")
    assert answer.status == 2
    assert answer.err == (
        "error: predict needs pyarrow, got none; "
        "type pip install --constraint constraints.txt --editable '.[table]' in the project's folder\n"
    )


def test_without_onnx_a_line_says_what_to_install(
    perceptron: Perceptron, trained: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained("model=softmax", "data=wine", "trainer.max_epochs=2", "logger=none")
    monkeypatch.delitem(sys.modules, "perceptron.exports.onnx_file", raising=False)
    monkeypatch.setitem(sys.modules, "onnx", None)
    answer = perceptron("export", f"run={run}", "format=onnx")
    assert answer.status == 2
    assert "type pip install --constraint constraints.txt --editable '.[export]'" in answer.err
    assert answer.err.count("\n") == 1
