"""The encoding as an ONNX graph gives what ``encode`` gives."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from perceptron.data.columns.encoding import encode, fit_encoding
from perceptron.data.columns.missing_texts import MISSING_TEXTS, missing_texts

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from perceptron.exports.encoding_graph import RawColumns  # noqa: E402


def _computed(columns: RawColumns, width: int) -> np.ndarray:
    """What the graph gives in front of a network that gives its input."""
    info = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, ["batch", width])
        for name in ("features", "values")
    ]
    node = onnx.helper.make_node("Identity", ["features"], ["values"])
    opsets = [onnx.helper.make_opsetid("", 20)]
    network = onnx.helper.make_model(
        onnx.helper.make_graph([node], "network", info[:1], info[1:]), opset_imports=opsets, ir_version=10
    )
    model = columns.put_in_front(network)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    values: np.ndarray = session.run(["values"], columns.inputs)[0]
    return values


def _agrees(train: pd.DataFrame, rows: pd.DataFrame, missing: Sequence[str] = MISSING_TEXTS) -> None:
    codes = fit_encoding(train, missing=missing)
    wanted = encode(rows, codes)
    np.testing.assert_array_equal(_computed(RawColumns(frame=rows, codes=codes), wanted.shape[1]), wanted)


@pytest.mark.parametrize("misses", [False, True])
@pytest.mark.parametrize("rare", [False, True])
def test_every_kind_with_missing_and_unknown_values(misses: bool, rare: bool) -> None:
    frame = pd.DataFrame(
        {
            "label": [1.5, 2.5, 1e30, -4.0, 0.1, 3.0],
            "encode.0": ["a", "b", "a", "b", "a", "c" if rare else "b"],
            "code": pd.Series([5, 7, 5, 7, 5, 7], dtype="category"),
            "truth": [True, False, True, True, False, True],
            "when": pd.to_datetime(["2020-02-29T05:30", "1999-12-31", "2000-01-01T23:59:59", "1900-03-01", "1970-01-01",
                                    "2100-02-28T12:00"], format="ISO8601"),
        }
    )  # fmt: skip
    none = frame.reindex([*frame.index, -1])
    strange = none.astype({"code": object})
    strange.loc[0, ["encode.0", "code"]] = ["z", 9]
    _agrees(none if misses else frame, strange)


def test_an_empty_text_that_is_a_category_is_not_missing() -> None:
    frame = pd.DataFrame({"a": ["", "x", "", "x", None, None]})
    missing = missing_texts(but=[""])
    _agrees(frame, frame, missing)
    codes = fit_encoding(frame, missing=missing)
    assert RawColumns(frame=frame, codes=codes).described[0]["missing"] == "#N/A"


@pytest.mark.parametrize("misses", [False, True])
def test_every_text_and_number_that_means_a_missing_value(misses: bool) -> None:
    frame = pd.DataFrame({"size": [1.0, 2.0, 3.0, 4.0], "cover": ["None", "Basic", "None", "Basic"]})
    rows = pd.DataFrame({"size": [-999.0, 2.5, np.nan], "cover": ["?", "None", None]})
    train = pd.concat([frame, rows]) if misses else frame
    missing = missing_texts(["?", -999], ["None"])
    _agrees(train, rows, missing)
    # The graph alone, of texts as a user may hand them over.
    columns = RawColumns(frame=rows, codes=fit_encoding(train, missing=missing))
    typed = {"size": rows["size"].to_numpy(np.float64), "cover": np.array(["?", "None", "NA"], dtype=object)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RawColumns, "inputs", property(lambda _: typed))
        got = _computed(columns, columns.features.shape[1])
    np.testing.assert_array_equal(got, columns.features)


def test_dates_of_any_form() -> None:
    frame = pd.DataFrame({
        "day": ["17-08-1984", "01-02-1990", None], "number": [20240131, 20250228, 20261231],
        "word": ["Jan 1 2000", "Feb 3 2001", "Mar 5 2002"],
    })  # fmt: skip
    _agrees(frame, frame)


def test_every_day_of_four_centuries() -> None:
    days = pd.DataFrame({"when": pd.date_range("1850-01-01", "2250-12-31", freq="17h", tz="UTC")})
    _agrees(days, days)


def test_dates_before_nanoseconds_reach() -> None:
    old = pd.DataFrame({"a": [f"0001-01-{day:02d}" for day in range(1, 20)]})
    _agrees(old, old)
