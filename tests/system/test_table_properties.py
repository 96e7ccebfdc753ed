"""What must hold of any table: its file's format, the order of its rows and columns, and its units change no answer."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perceptron.data import TableDataModule, table_from_files
from perceptron.data.columns.encoding import encode, fit_encoding, from_texts
from perceptron.data.offsets import choose_offsets, subtracted
from perceptron.data.sources.frames import read_frame
from perceptron.estimators.fitting import FitSettings, train_alone
from perceptron.models import Answers, BinaryClassifier, Regressor, Standardize
from perceptron.networks import MLP
from perceptron.prediction.input_rows import read_rows
from perceptron.training.lightning_messages import quiet_lightning

FEW = settings(max_examples=8, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
N_ROWS = 60
WRITERS: dict[str, Callable[[pd.DataFrame, Path], object]] = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "parquet": lambda frame, path: frame.to_parquet(path),
    "feather": lambda frame, path: frame.to_feather(path),
}
TEXTS = ("a", "b", "Zürich", "x y", "1.5", "7", "true", "q,r", 'a "b"')


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """Columns of every kind, some with gaps, in any order; and a target ``y`` of classes or values."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    spread, shift = 10.0 ** draw(st.integers(-6, 9)), draw(st.sampled_from([0.0, 1.0, 1e3, 1e9]))
    columns: dict[str, Any] = {
        "near": random.normal(size=N_ROWS),
        "far": spread * (random.normal(size=N_ROWS) + shift),
        "stamp": 1_790_000_000 + random.integers(0, 3600, N_ROWS),
        "count": random.integers(-3, 4, N_ROWS),
        "truth": random.random(N_ROWS) < 0.5,
        "text": random.choice(list(draw(st.sets(st.sampled_from(TEXTS), min_size=2))), N_ROWS),
        "when": pd.Timestamp("2026-01-31 10:00") + pd.to_timedelta(random.integers(0, 10**6, N_ROWS), unit="min"),
    }
    frame = pd.DataFrame({name: columns[name] for name in draw(st.permutations(list(columns)))})
    for name in draw(st.sets(st.sampled_from(["near", "far", "text", "when"]))):
        frame.loc[random.random(N_ROWS) < 0.2, name] = None
    score = frame["near"].fillna(0).to_numpy() + columns["count"]
    return frame.assign(y=spread * (score + shift) if draw(st.booleans()) else np.where(score > 0, "yes", "no"))


@pytest.fixture(scope="module")
def folder() -> Any:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def _read(frame: pd.DataFrame, folder: Path, kind: str, **settings: Any) -> TableDataModule:
    path = folder / f"rows.{kind}"
    WRITERS[kind](frame, path)
    data = table_from_files(path=str(path), target="y", **settings)
    data.setup()
    return data


def _same(one: TableDataModule, other: TableDataModule) -> None:
    """Training is a function of what is compared here."""
    assert one.schema == other.schema
    for split in ("train", "val", "test"):
        np.testing.assert_array_equal(one.split.rows(split), other.split.rows(split))  # type: ignore[arg-type]
    np.testing.assert_array_equal(one.table.features, other.table.features)
    np.testing.assert_array_equal(one.table.target, other.table.target)
    for a, b in ((one.features_scaling, other.features_scaling), (one.target_scaling, other.target_scaling)):
        if a is not None and b is not None:
            np.testing.assert_array_equal(a.mean, b.mean)
            np.testing.assert_array_equal(a.scale, b.scale)


@FEW
@given(frame=tables())
def test_the_format_of_a_file_changes_nothing(folder: Path, frame: pd.DataFrame) -> None:
    csv, parquet, feather = (_read(frame, folder, kind) for kind in WRITERS)
    _same(csv, parquet)
    _same(csv, feather)


@FEW
@given(frame=tables(), order=st.randoms(use_true_random=False))
def test_the_order_of_columns_in_a_file_changes_nothing_where_they_are_named(
    folder: Path, frame: pd.DataFrame, order: Any
) -> None:
    named = [name for name in frame.columns if name != "y"]
    shuffled = order.sample(list(frame.columns), k=frame.shape[1])
    _same(_read(frame, folder, "csv", features=named), _read(frame[shuffled], folder, "csv", features=named))
    # Without names the features are the same too, in the file's order.
    assert set(_read(frame[shuffled], folder, "csv").schema.encoding) == set(
        _read(frame, folder, "csv").schema.encoding
    )


@FEW
@given(frame=tables(), seed=st.integers(0, 2**32))
def test_the_order_of_training_rows_changes_nothing_that_is_fitted_on_them(frame: pd.DataFrame, seed: int) -> None:
    features = frame.drop(columns="y")
    shuffled = features.sample(frac=1, random_state=np.random.default_rng(seed), ignore_index=True)
    codes = fit_encoding(features)
    assert fit_encoding(shuffled) == codes
    assert choose_offsets(encode(shuffled, codes)) == choose_offsets(encode(features, codes))


@FEW
@given(frame=tables(), seed=st.integers(0, 2**32), kind=st.sampled_from(["csv", "parquet"]))
def test_rows_to_be_predicted_have_the_features_of_training_in_any_order(
    folder: Path, frame: pd.DataFrame, seed: int, kind: str
) -> None:
    data = _read(frame, folder, "csv")
    random = np.random.default_rng(seed)
    rows, columns = random.permutation(N_ROWS), random.permutation(frame.columns)
    WRITERS[kind](frame.iloc[rows].reset_index(drop=True)[columns], folder / f"new.{kind}")
    schema = data.schema
    chunks = read_rows(folder / f"new.{kind}", features=schema.feature_names, encoding=schema.encoding)
    found = np.concatenate([subtracted(chunk.features, schema.feature_offsets) for chunk in chunks])
    np.testing.assert_array_equal(found, data.table.features[rows])


@FEW
@given(frame=tables())
def test_a_graph_has_the_features_of_training(folder: Path, frame: pd.DataFrame) -> None:
    onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    from perceptron.exports.encoding_graph import RawColumns

    data = _read(frame, folder, "csv")
    codes, width = from_texts(data.schema.encoding), data.schema.n_features
    double = onnx.TensorProto.DOUBLE
    ends = [onnx.helper.make_tensor_value_info(name, double, ["batch", width]) for name in ("features", "same")]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["features"], ["same"])], "none", ends[:1], ends[1:]
    )
    opsets = [onnx.helper.make_opsetid("", 20)]
    columns = RawColumns(frame=read_frame(str(folder / "rows.csv"), "input"), codes=codes)
    model = columns.put_in_front(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=10))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(["same"], columns.inputs)
    np.testing.assert_array_equal(subtracted(found, data.schema.feature_offsets), data.table.features)


def _answers(features: np.ndarray, target: np.ndarray, *, standardize: Any = "per_feature") -> np.ndarray:
    """Of a model after some epochs, for the rows that it was trained on."""
    data = TableDataModule(dataset=lambda: (features, target), batch_size=20, standardize=standardize)
    data.setup()
    torch.manual_seed(0)
    is_regression = data.target_scaling is not None
    parts: dict[str, Any] = {
        "network": MLP(n_features=features.shape[1], n_outputs=1, hidden=(8,), activation="tanh"),
        "standardize": Standardize(data.features_scaling.mean, data.features_scaling.scale),
    }
    if data.target_scaling is not None:
        parts["standardize_target"] = Standardize(data.target_scaling.mean, data.target_scaling.scale)
    model = (Regressor if is_regression else BinaryClassifier)(**parts)
    schedule = FitSettings(max_epochs=6, patience=3, min_delta=1e-3, accelerator="cpu", verbose=False)
    with quiet_lightning():
        train_alone(model, data, schedule)
    schema = data.schema
    answers = Answers(model.eval(), feature_offsets=schema.feature_offsets, target_offsets=schema.target_offsets)
    with torch.inference_mode():
        labels, probabilities, _ = answers.predict(torch.from_numpy(features))
    return (labels if probabilities is None else probabilities[:, 1:]).numpy()[:, 0]


EXPONENTS = st.integers(-6, 9)
SHIFTS = st.sampled_from([0.0, 1.0, -30.0, 1e3, -1e6, 1e9])


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    features = random.normal(size=(N_ROWS, 3))
    return features, features @ [1.0, -2.0, 0.5] + 0.1 * random.normal(size=N_ROWS)


@FEW
@given(exponent=EXPONENTS, shift=SHIFTS)
def test_the_units_of_a_target_change_its_predictions_units_alone(
    rows: tuple[np.ndarray, np.ndarray], exponent: int, shift: float
) -> None:
    features, target = rows
    found = _answers(features, 10.0**exponent * (target + shift * target.std()))
    wanted = _answers(features, target)
    np.testing.assert_allclose(found / 10.0**exponent - shift * target.std(), wanted, rtol=0, atol=1e-4 * target.std())


@FEW
@given(exponents=st.lists(EXPONENTS, min_size=3, max_size=3), shifts=st.lists(SHIFTS, min_size=3, max_size=3),
       is_regression=st.booleans())  # fmt: skip
def test_the_units_of_features_change_no_prediction(
    rows: tuple[np.ndarray, np.ndarray], exponents: list[int], shifts: list[float], is_regression: bool
) -> None:
    features, values = rows
    target = values if is_regression else (values > 0).astype(int)
    other = 10.0 ** np.array(exponents, dtype=float) * (features + np.array(shifts) * features.std(axis=0))
    np.testing.assert_allclose(_answers(other, target), _answers(features, target), rtol=0, atol=1e-4 * values.std())


def test_rows_in_another_order_train_to_the_same_model_where_steps_take_all_of_them(
    folder: Path, rows: tuple[np.ndarray, np.ndarray]
) -> None:
    """Splits follow the time, a step takes all rows: what is left of their order is how sums are rounded."""
    features, target = rows
    frame = pd.DataFrame(features, columns=["a", "b", "c"]).assign(time=np.arange(N_ROWS), y=target)
    models = []
    for order in (np.arange(N_ROWS), np.random.default_rng(1).permutation(N_ROWS)):
        data = _read(frame.iloc[order], folder, "parquet", time="time", batch_size=None)
        torch.manual_seed(0)
        scaling = data.target_scaling
        assert scaling is not None
        model = Regressor(
            network=MLP(n_features=3, n_outputs=1, hidden=(8,), activation="tanh"),
            standardize=Standardize(data.features_scaling.mean, data.features_scaling.scale),
            standardize_target=Standardize(scaling.mean, scaling.scale),
        )
        with quiet_lightning():
            train_alone(
                model, data, FitSettings(max_epochs=8, patience=None, min_delta=0, accelerator="cpu", verbose=False)
            )
        models.append((data.schema, model.state_dict()))
    assert models[0][0] == models[1][0]
    torch.testing.assert_close(models[0][1], models[1][1], rtol=1e-5, atol=1e-6)
