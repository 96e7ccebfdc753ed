"""A run in Python says what its folder and the commands say."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from sklearn.datasets import load_diabetes, load_iris

import perceptron
from perceptron import UsageError, load_run

IRIS = ("data=iris", "model=softmax", "figures=none", "trainer.max_epochs=3")


def test_importing_the_package_imports_nothing_heavy_and_lists_its_names() -> None:
    program = """
import sys
import perceptron
assert "load_sweep" in dir(perceptron)
assert not {"numpy", "torch", "pandas", "hydra", "rich"} & set(sys.modules)
assert perceptron.load_run and perceptron.UsageError
assert not {"torch", "pandas", "hydra"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        perceptron.nope  # noqa: B018


def test_a_run_has_what_its_files_have(trained) -> None:
    folder = trained(*IRIS)
    run = load_run(folder)
    assert run.state == "done"
    assert run.metrics == json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert run.config == yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    assert run.provenance == json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    assert run.figures == {}
    assert repr(run) == f"RunResult({str(folder)!r}, state='done')"


@pytest.mark.parametrize("own", ["model", "data"])
def test_objections_are_to_models_on_tables(own: str, tmp_path: Path) -> None:
    config = {"model": {"_target_": "m.Net", "network": {}}, "data": {"_target_": "m.Data", "split_seed": 0}}
    config[own].popitem()
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    with pytest.raises(UsageError, match=r"objections are to this project's models on tables, got m\.Net on m\.Data"):
        load_run(tmp_path).objections()


def test_the_history_is_what_the_loggers_got(trained) -> None:
    folder = trained(*IRIS, "logger=csv")
    history = load_run(folder).history
    logged = pd.read_csv(folder / "csv/metrics.csv").dropna(subset="epoch").groupby("epoch").first()
    assert list(history.index) == [0, 1, 2]
    assert history.index.name == "epoch"
    assert set(history.columns) >= {"train/loss", "val/loss", "val/acc"}
    for name in history.columns:
        np.testing.assert_allclose(history[name], logged[name].loc[[0, 1, 2]], rtol=1e-6)


def test_the_history_of_an_unfinished_run_is_in_its_checkpoint(trained, tmp_path: Path) -> None:
    folder = shutil.copytree(trained(*IRIS), tmp_path / "run")
    whole = load_run(folder).history
    (folder / "metrics.json").unlink()
    run = load_run(folder)
    assert run.state == "running"
    pd.testing.assert_frame_equal(run.history, whole)
    with pytest.raises(UsageError, match=r"has metrics when it is finished, got running.*perceptron resume run="):
        _ = run.metrics
    shutil.rmtree(folder / "checkpoints")
    assert run.history.empty


@pytest.mark.parametrize("contents", ["[]", '{"epoch": [0], "val/loss": [1, 2]}', '{"epoch": 3}', "{"])
def test_a_damaged_history_is_said_in_one_line(trained, tmp_path: Path, contents: str) -> None:
    folder = shutil.copytree(trained(*IRIS), tmp_path / "run")
    (folder / "history.json").write_text(contents, encoding="utf-8")
    with pytest.raises(UsageError, match=r"a run's history.json must hold epochs.*, or delete it"):
        _ = load_run(folder).history


def test_predictions_are_those_of_the_command(trained, tmp_path: Path, perceptron) -> None:
    folder = trained(*IRIS)
    frame = load_iris(as_frame=True).data
    frame.to_csv(tmp_path / "rows.csv", index=False)
    answer = perceptron("predict", f"run={folder}", f"input={tmp_path}/rows.csv", f"output={tmp_path}/out.parquet")
    assert answer.status == 0, answer.err
    expected = pd.read_parquet(tmp_path / "out.parquet").drop(columns="row")
    run = load_run(folder)
    pd.testing.assert_frame_equal(run.predict(frame), expected)
    pd.testing.assert_frame_equal(run.predict(frame.to_numpy()), expected)
    # Columns by name, rows by index.
    shuffled = frame[frame.columns[::-1]].sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(run.predict(shuffled), expected.loc[shuffled.index])


def test_a_regression_predicts_in_the_units_of_its_target(trained) -> None:
    run = load_run(trained("data=diabetes", "model=linear", "figures=none", "trainer.max_epochs=3"))
    bunch = load_diabetes(as_frame=True, scaled=False)
    values = run.predict(bunch.data).iloc[:, 0]
    assert 100 < values.mean() < 200


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (np.zeros((2, 3)), r"rows must be an array \(n_rows, 4\), the columns of training, got the shape \(2, 3\)"),
        (pd.DataFrame({"a": [1.0]}), "sepal length"),
        (load_iris(as_frame=True).data.assign(**{"sepal length (cm)": np.nan}), "every value must be a finite number"),
        (load_iris(as_frame=True).data.assign(**{"sepal length (cm)": "x"}), "every column must be numeric"),
        (load_iris(as_frame=True).data.assign(more=1.0), "more"),
    ],
)
def test_rows_that_do_not_fit_are_said_in_one_line(trained, rows, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_run(trained(*IRIS)).predict(rows)


def test_columns_of_any_kind_are_read_as_in_a_file(trained, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"size": rng.normal(size=200), "colour": rng.choice(["red", "blue"], 200)})
    frame["kind"] = np.where(frame["size"] + (frame["colour"] == "red") > 0.5, "big", "small")
    frame.to_csv(tmp_path / "own.csv", index=False)
    run = load_run(trained("data=table", f"data.path={tmp_path}/own.csv", "data.target=kind", "figures=none"))
    answers = run.predict(frame)
    assert list(answers.columns) == ["label", "p_big", "p_small"]
    assert (answers["label"] == frame["kind"]).mean() > 0.9


def test_model_and_data_are_lightnings(trained) -> None:
    run = load_run(trained(*IRIS))
    data = run.datamodule()
    features, target, *_ = data.rows("test")
    with torch.inference_mode():
        labels = run.model.predict(torch.as_tensor(features)).labels
    assert (labels == torch.as_tensor(target)).float().mean().item() == pytest.approx(run.metrics["test/acc"])


def test_overrides_are_checked_at_once_and_are_in_the_settings(trained, tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    pd.DataFrame({"size": np.arange(100.0), "kind": np.arange(100) % 2}).to_csv(own, index=False)
    folder = trained("data=table", f"data.path={own}", "data.target=kind", "figures=none", "trainer.max_epochs=2")
    moved = own.rename(tmp_path / "moved.csv")
    run = load_run(folder, overrides=[f"data.path={moved}", "trainer.max_epochs=5"])
    assert run.config["data"]["path"] == str(moved)
    assert run.config["trainer"]["max_epochs"] == 5
    stored = load_run(folder).config
    assert {group: run.config[group] for group in ("model", "callbacks", "logger", "paths")} == {
        group: stored[group] for group in ("model", "callbacks", "logger", "paths")
    }
    assert len(run.datamodule().table.features) == 100
    with pytest.raises(UsageError, match=r"there is no setting data\.pth; did you mean data\.path"):
        load_run(folder, overrides=["data.pth=x"])


def test_latest_and_best_are_those_of_the_commands(swept) -> None:
    sweep = swept("optimizer.lr=0.1,0.0001")
    assert load_run("latest", runs=sweep).folder == sweep / "1"
    assert load_run("best", runs=sweep).folder == sweep / "0"
    with pytest.raises(UsageError, match="which is a sweep's"):
        load_run(sweep)
    with pytest.raises(UsageError, match="run=latest needs a run"):
        load_run(runs=sweep / "nothing")


def test_a_class_of_somebody_else_is_not_built(trained, tmp_path: Path) -> None:
    folder = shutil.copytree(trained(*IRIS), tmp_path / "run")
    config = folder / "config.yaml"
    config.write_text(
        config.read_text(encoding="utf-8").replace("perceptron.networks.MLP", "os.system"), encoding="utf-8"
    )
    with pytest.raises(UsageError, match=r"os\.system"):
        _ = load_run(folder).model


def test_the_data_of_an_estimator_is_read_and_nothing_else_of_it(trained, tmp_path: Path) -> None:
    folder = shutil.copytree(trained("data=iris", "model=sklearn_svc", "figures=none"), tmp_path / "run")
    config = folder / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("sklearn.svm.SVC", "os.system"), encoding="utf-8")
    assert len(load_run(folder).datamodule().split.test) == 30
    assert load_run(folder, overrides=["data.split_seed=3"]).config["model"]["estimator"]["estimator"]["C"] == 1.0
    with pytest.raises(UsageError, match=r"a run must have weights, got .* of an estimator of scikit-learn"):
        _ = load_run(folder).model
    config.write_text(
        config.read_text(encoding="utf-8").replace("sklearn.datasets.load_iris", "os.system"), encoding="utf-8"
    )
    with pytest.raises(UsageError, match=r"got _target_: os\.system in"):
        load_run(folder).datamodule()


def test_a_notebook_shows_metrics_and_figures_and_runs_nothing(trained, tmp_path: Path) -> None:
    folder = shutil.copytree(trained(*IRIS), tmp_path / "<script>run")
    (folder / "figures").mkdir()
    (folder / "figures/curves.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    html = load_run(folder)._repr_html_()
    assert "<td>acc</td>" in html
    assert "<img" in html
    assert "<script" not in html
    assert list(load_run(folder).figures) == ["curves"]


def test_a_missing_extra_is_named(trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match=r"history needs pandas, got none; type pip install .*\[table\]"):
        _ = load_run(trained(*IRIS)).history
