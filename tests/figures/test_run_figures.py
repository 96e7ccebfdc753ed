import json
import logging
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from perceptron.composition.building.data import build_data
from perceptron.composition.building.model import build_model
from perceptron.composition.train import train
from perceptron.figures.drawing_process import DrawingFailedError, DrawingProcess
from perceptron.figures.predictions import held_out_split, predict_split
from perceptron.figures.training_path import TrainingPath, boundaries_of, path_of, surfaces_of, weights_of
from perceptron.figures.writing import drawn, written
from perceptron.plots.curves import draw_curves
from perceptron.plots.descent import draw_descent
from perceptron.runs.checkpoints.checkpoint_file import load_weights

ALL = {"curves", "loss_surface"}
OF_CLASSES = ALL | {"confusion", "discrimination", "calibration", "probabilities", "mistakes"}


@pytest.mark.parametrize(
    ("overrides", "names"),
    [
        (("model=binary_mlp", "data=moons"), OF_CLASSES | {"decision_boundary"}),
        (("model=digits_mlp",), OF_CLASSES | {"weights"}),
        (("model=linear", "data=diabetes"), ALL | {"residuals", "coefficients"}),
        (("model=softmax", "data=iris", "data.val_fraction=0", "data.test_fraction=0"), OF_CLASSES | {"coefficients"}),
    ],
    ids=["two features", "images", "regression", "all rows are for training"],
)
def test_a_run_draws_what_its_model_and_data_have(overrides, names, composed, tmp_path: Path, caplog) -> None:
    train(*composed(*overrides, "figures=end", "trainer.max_epochs=2"))
    assert "could not be drawn" not in caplog.text
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        *(f"{name}.{kind}" for name in names for kind in ("png", "svg")),
        *(f"{name}.gif" for name in names & {"decision_boundary"}),
    }
    # A process numbers its event files, and TensorBoard reads those of one second by name: the tenth before the ninth.
    events = EventAccumulator(str(tmp_path / "tensorboard"), size_guidance={"images": 0}, purge_orphaned_data=False)
    events.Reload()
    assert set(events.Tags()["images"]) == {f"figures/{name}" for name in names}
    stored = (tmp_path / "figures/curves.png").read_bytes()
    (shown,) = events.Images("figures/curves")
    assert (shown.width, shown.height) == tuple(np.frombuffer(stored[16:24], ">u4"))


def _model(composed, *overrides: str):
    cfg, chosen = composed(*overrides)
    data = build_data(cfg.data)
    return data, build_model(cfg, data, chosen=chosen)


@pytest.mark.parametrize("overrides", [("model=binary_mlp",), ("model=linear", "data=diabetes")])
def test_the_trained_weights_loss_is_the_runs(overrides, composed, tmp_path: Path) -> None:
    train(*composed(*overrides, "trainer.max_epochs=3", "logger=none"))
    data, model = _model(composed, *overrides)
    load_weights(model, tmp_path / "checkpoints/best.ckpt")
    own = weights_of(model)
    start = torch.from_numpy(own * 0.5).float()
    training = TrainingPath(snapshots={0: start, 1: start * 1.3 + 0.01}, best_epoch=2)
    epochs, path, n_to_trained = path_of(model, training)
    assert (epochs, n_to_trained) == ([0, 1, 3], 3)
    np.testing.assert_array_equal(path[-1], own)
    surfaces, n_rows = surfaces_of(model, *data.rows("train"), training)
    assert n_rows == len(data.split.train)
    assert [surface.plane.explained is None for surface in surfaces] == [False, True]
    reported = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))["train/loss"]
    for surface in surfaces:
        assert surface.trained_loss == pytest.approx(reported, rel=1e-5)
    assert surfaces[0].path_losses[-1] == pytest.approx(reported, rel=1e-5)
    # The model is left with the weights that it had.
    np.testing.assert_array_equal(weights_of(model), own)


def test_the_boundary_at_the_end_is_the_models_own(composed) -> None:
    data, model = _model(composed, "model=binary_mlp", "data=moons")
    features = data.rows("train")[0].numpy()
    start = torch.zeros(len(weights_of(model)))
    own = weights_of(model)
    found = boundaries_of(model, features, TrainingPath(snapshots={0: start, 5: start + 1}, best_epoch=4))
    assert [boundary.when for boundary in found] == ["after 0 epochs", "trained weights (after 5 epochs)"]
    np.testing.assert_array_equal(found[0].probabilities, 0.5)
    np.testing.assert_array_equal(weights_of(model), own)
    assert np.ptp(found[1].probabilities[:, 1]) > 0.01


def test_answers_are_of_the_split_that_says_most(composed) -> None:
    data, model = _model(composed, "model=softmax", "data=iris")
    assert [held_out_split(data, tested=tested) for tested in (True, False)] == ["test", "val"]
    model.train()
    answers = predict_split(model, data, "test")
    assert model.training
    np.testing.assert_array_equal(answers.features, data.table.features[data.split.test])
    np.testing.assert_array_equal(answers.target, data.table.target[answers.row_numbers])
    assert answers.probabilities is not None
    np.testing.assert_array_equal(answers.probabilities.argmax(axis=1), answers.labels)
    assert answers.rows == "test rows"


def test_a_figure_that_cannot_be_drawn_costs_no_other(caplog) -> None:
    def fails() -> None:
        raise ValueError("no colour")

    with caplog.at_level(logging.WARNING):
        assert list(drawn([("first", fails), ("second", lambda: None), ("third", lambda: fails)])) == []
    for name in ("first", "third"):
        assert f"the figure {name} could not be drawn: ValueError: no colour" in caplog.text


DRAWINGS = [
    ("first", lambda: partial(draw_descent, [1.0, 0.5])),
    ("failing", lambda: partial(draw_descent, [])),
    # Cannot be sent to another process.
    ("local", lambda: lambda: draw_descent([2.0, 1.0])),
    ("absent", lambda: partial(draw_curves, {}, loss_units="nats")),
    ("last", lambda: partial(draw_descent, [3.0, 1.0])),
]


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_helper_draws_the_same_and_may_fail(is_killed: bool, tmp_path: Path, caplog) -> None:
    (tmp_path / "alone").mkdir()
    (tmp_path / "helped").mkdir()
    alone = dict(written(DRAWINGS, tmp_path / "alone"))
    helper = DrawingProcess()
    if is_killed:
        helper._process.kill()
    caplog.clear()
    helped = dict(written(DRAWINGS, tmp_path / "helped", helper=helper))
    helper.close()
    assert helped.keys() == alone.keys() == {"first", "local", "last"}
    assert all(np.array_equal(helped[name], alone[name]) for name in alone)
    assert _files(tmp_path / "helped") == _files(tmp_path / "alone")
    (said,) = {record.message for record in caplog.records}
    assert said.startswith("the figure failing could not be drawn: ValueError")


def test_a_helper_draws_in_its_own_process_and_ends_with_its_input(tmp_path: Path) -> None:
    helper = DrawingProcess()
    assert helper.save(partial(draw_descent, [1.0, 0.5]), tmp_path, "descent").ndim == 3
    assert {path.name for path in tmp_path.iterdir()} == {"descent.png", "descent.svg"}
    with pytest.raises(DrawingFailedError, match="ValueError"):
        helper.save(partial(draw_descent, []), tmp_path, "empty")
    helper.close()
    assert helper._process.returncode == 0


def test_figures_of_each_epoch_are_of_validation_rows(composed, tmp_path: Path) -> None:
    train(*composed("model=softmax", "data=iris", "figures=epoch", "trainer.max_epochs=1"))
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [image.step for image in events.Images("epochs/confusion")] == [4]


def test_a_run_without_figures_imports_none_of_the_drawing(tmp_path: Path, root: Path) -> None:
    program = """
import sys
sys.argv = ["train.py", "trainer.max_epochs=1", "logger=none", "figures=none", "paths.log_dir=" + sys.argv[1]]
from perceptron.composition.command_line import main
main()
drawing = [name for name in sys.modules if name.startswith(("perceptron.plots", "perceptron.figures.run_figures"))]
assert drawing == [], drawing
"""
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(tmp_path)], check=True, capture_output=True, cwd=root
    )
    assert not list(tmp_path.rglob("figures"))


def test_only_the_figures_and_what_draws_them_import_matplotlib(root: Path) -> None:
    statements = ("import matplotlib", "from matplotlib")
    importing = {
        path.relative_to(root / "src/perceptron").as_posix()
        for path in (root / "src/perceptron").rglob("*.py")
        if any(line.startswith(statements) for line in path.read_text(encoding="utf-8").splitlines())
    }
    outside = {name for name in importing if not name.startswith("plots/")}
    files = {"intervals.py", "sweep_figures.py", "writing.py"}
    assert outside == {f"figures/{name}" for name in files}
    assert len(importing) > 10


def test_networks_without_a_linear_layer_first_have_no_weights_to_show(composed) -> None:
    from perceptron.figures.run_figures import weight_drawings

    data, model = _model(composed, "model=softmax", "data=iris")
    assert [name for name, _ in weight_drawings(model, data)] == ["coefficients"]
    model.network = nn.Sequential(nn.Tanh(), nn.Linear(4, 3))
    assert weight_drawings(model, data) == []
