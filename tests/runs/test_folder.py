"""A run's results are read without importing torch, Lightning, NumPy or pandas."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from perceptron.errors import UsageError
from perceptron.runs.folder import Run, checkpoint_path

HEAVY = ("torch", "lightning", "numpy", "pandas", "sklearn", "matplotlib", "hydra")
PROGRAM = """
import sys
from pathlib import Path
from perceptron.runs import data_identity, failures, folder, lookup, metric_directions, metric_display, training_end
run = folder.find_runs(Path(sys.argv[1]))[0]
lookup.find_run("best", among=Path(sys.argv[1]))
print(run.metrics, run.config, run.provenance, run.best)
print(*(name for name in sys.argv[2:] if name in sys.modules), file=sys.stderr)
"""


def _written(folder: Path) -> Path:
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "best.ckpt").touch()
    (folder / "config.yaml").write_text("monitor: val/loss\n", encoding="utf-8")
    (folder / "metrics.json").write_text('{"test/acc": 0.5, "test/r2": null}', encoding="utf-8")
    best = {"monitor": "val/loss", "mode": "min", "value": 0.25, "checkpoint": "checkpoints/best.ckpt"}
    (folder / "provenance.json").write_text(json.dumps({"best": best}), encoding="utf-8")
    return folder


def test_an_estimator_is_not_stored(tmp_path: Path) -> None:
    run = Run(_written(tmp_path / "run"))
    (run.folder / "checkpoints" / "best.ckpt").unlink()
    with pytest.raises(UsageError, match="a run needs the checkpoint best, got none"):
        checkpoint_path(run, "best")
    model = "{_target_: perceptron.models.Estimator, estimator: {_target_: sklearn.dummy.DummyClassifier}}"
    config = f"monitor: val/loss\nmodel: {model}\n"
    (run.folder / "config.yaml").write_text(config, encoding="utf-8")
    with pytest.raises(UsageError, match="of an estimator of scikit-learn, which is not stored; name the run of a net"):
        checkpoint_path(run, "best")


def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    _written(tmp_path / "run")
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), *HEAVY], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr.split() == []
    assert "{'test/acc': 0.5, 'test/r2': None}" in answer.stdout


def test_the_best_checkpoint_is_read(tmp_path: Path) -> None:
    run = Run(_written(tmp_path / "run"))
    assert run.best is not None
    assert run.best["value"] == 0.25
    for other in ({}, {"best": None}, {"best": {"monitor": "val/loss", "value": "x"}}, {"best": []}):
        (run.folder / "provenance.json").write_text(json.dumps(other), encoding="utf-8")
        assert run.best is None


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    run = Run(_written(tmp_path / "run"))
    (run.folder / "metrics.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(UsageError, match=r"a run's metrics.json must hold names and values, got list: .*metrics.json"):
        assert run.metrics
