"""A metric that grows as it improves, under a name that says nothing: its direction is said once and then stored."""

import json
from pathlib import Path

import pytest
import torch
import yaml

SKILL = """
import torch
from perceptron.models import MulticlassClassifier

class WithSkill(MulticlassClassifier):
    def metrics(self, outputs: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        found = super().metrics(outputs, target)
        return found | {"skill": found["acc"]}
"""
RUN = ("data=iris", "model=softmax", "model._target_=own_skill.WithSkill", "monitor=val/skill", "logger=csv")


@pytest.fixture(autouse=True)
def _own_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_skill.py").write_text(SKILL, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))


def _origin(run: Path) -> dict:
    return json.loads((run / "provenance.json").read_text(encoding="utf-8"))


def test_the_best_epoch_is_kept_and_the_direction_stored(perceptron, tmp_path: Path) -> None:
    run = tmp_path / "run"
    # So large a rate that the accuracy goes up and down.
    steps = ("optimizer.lr=20", "trainer.max_epochs=6", "figures=none", f"hydra.run.dir={run}")
    assert perceptron("train", *RUN, "mode=max", *steps).status == 0
    lines = (run / "csv" / "metrics.csv").read_text(encoding="utf-8").splitlines()
    column = lines[0].split(",").index("val/skill")
    seen = [float(line.split(",")[column]) for line in lines[1:] if line.split(",")[column]]
    assert min(seen) < max(seen)
    origin = _origin(run)
    assert origin["best"]["value"] == pytest.approx(max(seen))
    kept = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    assert kept["epoch"] == seen.index(max(seen))
    assert origin["directions"] == {
        "loss": "min", "acc": "max", "balanced_acc": "max", "auroc": "max", "average_precision": "max", "f1": "max",
        "log_loss": "min", "ece": "min", "skill": "max",
    }  # fmt: skip


def test_a_sweep_ranks_by_it_and_so_does_what_reads_its_runs(perceptron, tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    rates = ("optimizer.lr=0.5,0.00001", "trainer.max_epochs=2", "figures=none", f"hydra.sweep.dir={sweep}")
    ended = perceptron("train", "-m", *RUN, "mode=max", *rates)
    assert ended.status == 0, ended.err
    skills = {
        job: json.loads((sweep / job / "metrics.json").read_text(encoding="utf-8"))["test/skill"] for job in ("0", "1")
    }
    assert skills["0"] > skills["1"]
    best = yaml.safe_load((sweep / "experiment" / "best.yaml").read_text(encoding="utf-8"))
    assert best["optimizer"]["lr"] == 0.5
    out = tmp_path / "compared"
    assert perceptron("compare", sweep, "by=test/skill", f"output={out}").status == 0
    first = (out / "compare.csv").read_text(encoding="utf-8").splitlines()[1]
    assert ",0.5," in first
    shown = perceptron("evaluate", "run=best", f"runs={sweep}", "split=test", "trust=[own_skill.WithSkill]")
    assert f"{skills['0']:.4f}" in shown.out
    # Old versions stored no directions.
    for job in skills:
        origin = _origin(sweep / job)
        del origin["directions"]
        (sweep / job / "provenance.json").write_text(json.dumps(origin), encoding="utf-8")
    refused = perceptron("compare", sweep, "by=test/skill", f"output={tmp_path / 'none'}")
    assert (refused.status, refused.err) == (
        2,
        "error: whether a larger test/skill is better must be known, got runs that do not say; type perceptron compare "
        "<folder> by=test/skill mode=max, or mode=min\n",
    )
    assert not (tmp_path / "none").exists()
    assert perceptron("compare", sweep, "by=test/skill", "mode=max", f"output={out}").status == 0
    assert ",0.5," in (out / "compare.csv").read_text(encoding="utf-8").splitlines()[1]
    assert perceptron("compare", sweep, "mode=most").err == (
        "error: mode must be one of min, max, got most; choose from max, min\n"
    )


def test_a_direction_that_is_not_said_is_refused_before_anything_is_written(perceptron, tmp_path: Path) -> None:
    refused = perceptron("train", *RUN, f"hydra.run.dir={tmp_path / 'run'}")
    assert (refused.status, refused.err) == (
        2,
        "error: mode is required for val/skill, whose direction is not known; set mode=max where a larger value is "
        "better, or mode=min\n",
    )
    assert not (tmp_path / "run").exists()


def test_a_run_whose_direction_was_guessed_is_not_resumed_by_it(perceptron, tmp_path: Path) -> None:
    run = tmp_path / "run"
    short = ("mode=max", "logger=none", "trainer.max_epochs=1", "figures=none", f"hydra.run.dir={run}")
    assert perceptron("train", *RUN, *short).status == 0
    config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    del config["metrics"]
    (run / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    longer = ("resume", f"run={run}", "trainer.max_epochs=2", "trust=[own_skill.WithSkill]")
    refused = perceptron(*longer)
    assert (refused.status, refused.err) == (
        2,
        "error: mode is required for val/skill, whose direction an earlier version guessed; add mode=max if a larger "
        "value is better, or mode=min\n",
    )
    assert perceptron(*longer, "mode=max").status == 0
