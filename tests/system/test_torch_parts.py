"""Every optimizer and schedule of torch by the command line alone: trained, evaluated and resumed from its folder."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from perceptron.composition.settings.signature_table import SIGNATURES

BASES = ("torch.optim.Optimizer", "torch.optim.lr_scheduler.LRScheduler")
PARTS = sorted(name for name in SIGNATURES if name.startswith("torch.optim.") and name not in BASES)
SCHEDULES = [name for name in PARTS if name.startswith("torch.optim.lr_scheduler.")]
OPTIMIZERS = [name for name in PARTS if name not in SCHEDULES]
# What a class needs beside its defaults.
NEEDED = {
    "ChainedScheduler": ["scheduler.schedulers=[{_target_:torch.optim.lr_scheduler.ConstantLR,total_iters:1},"
                         "{_target_:torch.optim.lr_scheduler.ExponentialLR,gamma:0.9}]"],
    "CosineAnnealingLR": ["scheduler.T_max=2"],
    "CosineAnnealingWarmRestarts": ["scheduler.T_0=1"],
    "CyclicLR": ["scheduler.base_lr=0.01", "scheduler.max_lr=0.1", "scheduler.interval=step", "optimizer.momentum=0.9"],
    "ExponentialLR": ["scheduler.gamma=0.9"],
    "LambdaLR": ["scheduler.lr_lambda={_target_:hydra.utils.get_method,path:calendar.isleap}"],
    "MultiStepLR": ["scheduler.milestones=[1]"],
    "MultiplicativeLR": ["scheduler.lr_lambda={_target_:hydra.utils.get_method,path:calendar.isleap}"],
    "OneCycleLR": ["scheduler.max_lr=0.1", "optimizer.momentum=0.9"],
    "SequentialLR": ["scheduler.schedulers=[{_target_:torch.optim.lr_scheduler.LinearLR,total_iters:1},"
                     "{_target_:torch.optim.lr_scheduler.StepLR,step_size:1}]", "scheduler.milestones=[1]"],
    "StepLR": ["scheduler.step_size=1"],
}  # fmt: skip
# Docs say why.
CANNOT = {
    "Muon": "optimizer must be what torch.optim.Muon takes, got: Muon only supports 2D parameters",
    "SparseAdam": "torch.optim.SparseAdam needs sparse gradients, which no layer of the network gives; set "
    "optimizer=adam",
}
# Functions are code, which a stored run names only with trust.
TRUST = {"LambdaLR": ["trust=[hydra.utils.get_method]"], "MultiplicativeLR": ["trust=[hydra.utils.get_method]"]}
FAST = ("Adam", "RMSprop", "LBFGS", "Adafactor", "StepLR", "ReduceLROnPlateau", "SequentialLR", "OneCycleLR", "Muon",
        "SparseAdam", "LambdaLR")  # fmt: skip
QUICK = ["data=iris", "model=softmax", "figures=none", "trainer.accelerator=cpu"]


def _short(target: str) -> str:
    return target.rpartition(".")[2]


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(each, marks=[] if _short(each) in FAST else [pytest.mark.slow])
        for each in (*OPTIMIZERS, *SCHEDULES)
    ],
)
def test_it_trains_and_is_read_again(target: str, tmp_path: Path, perceptron: Any) -> None:
    group = "scheduler" if target in SCHEDULES else "optimizer"
    typed = [*QUICK, f"{group}._target_={target}", *NEEDED.get(_short(target), [])]
    run = tmp_path / "run"
    answer = perceptron("train", f"hydra.run.dir={run}", *typed, "trainer.max_epochs=2")
    if _short(target) in CANNOT:
        assert answer.status == 2
        assert answer.err.startswith(f"error: {CANNOT[_short(target)]}")
        return
    assert answer.status == 0, answer.err
    stored = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))[group]
    assert stored["_target_"] == target
    trust = TRUST.get(_short(target), [])
    evaluated = perceptron("evaluate", f"run={run}", *trust)
    assert evaluated.status == 0, evaluated.err
    (run / "metrics.json").unlink()
    # One that must know its length cannot be lengthened.
    epochs = 2 if _short(target) == "OneCycleLR" else 3
    resumed = perceptron("resume", f"run={run}", f"trainer.max_epochs={epochs}", *trust)
    assert resumed.status == 0, resumed.err
