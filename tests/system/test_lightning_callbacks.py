"""Every callback of Lightning by the command line alone: trained, evaluated and resumed from its folder."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from perceptron.composition.settings.signature_table import SIGNATURES

MODULE = "lightning.pytorch.callbacks"
CALLBACKS = sorted(name.rpartition(".")[2] for name in SIGNATURES if name.rpartition(".")[0] == MODULE)
# What a class needs beside its defaults.
NEEDED = {
    "DeviceStatsMonitor": ["trainer.log_every_n_steps=1"],
    "EarlyStopping": ["callbacks.x.monitor=val/acc", "callbacks.x.mode=max"],
    "GradientAccumulationScheduler": ["callbacks.x.scheduling={0:2,1:4}"],
    "ModelCheckpoint": ["callbacks.x.monitor=val/acc", "callbacks.x.mode=max", "callbacks.x.filename=best_acc",
                        "callbacks.x.dirpath=${paths.output_dir}/checkpoints"],
    "ModelPruning": ["callbacks.x.pruning_fn=l1_unstructured", "callbacks.x.parameter_names=[weight]"],
    "OnExceptionCheckpoint": ["callbacks.x.dirpath=${paths.output_dir}/checkpoints"],
    "RichProgressBar": ["callbacks.progress=null"],
    "ThroughputMonitor": ["callbacks.x.batch_size_fn={_target_:hydra.utils.get_method,path:builtins.len}",
                          "trainer.log_every_n_steps=1"],
    "TQDMProgressBar": ["callbacks.progress=null"],
}  # fmt: skip
# docs/parts.md says why.
CANNOT = {
    "BatchSizeFinder": "callbacks.x must be a callback that a run can follow",
    "LearningRateFinder": "callbacks.x must be a callback that a run can follow",
    "StochasticWeightAveraging": "callbacks.x",
}
# What ends them with Lightning 2.6.6; docs/parts.md lists them.
FAILS = {
    "BackboneFinetuning": "AttributeError: this project's models have no attribute backbone",
    "OnExceptionCheckpoint": "a warning of Lightning, of a fit without a model, which is an error in tests",
    "SpikeDetection": "AttributeError of Lightning: no attribute running",
    "ThroughputMonitor": "a warning of Lightning, of a model without flops_per_batch, which is an error in tests",
}
TRUST = {"ThroughputMonitor": ["trust=[hydra.utils.get_method]"]}
FAST = ("GradientAccumulationScheduler", "EarlyStopping", "Timer", "LearningRateFinder")
ABSTRACT = ("BaseFinetuning", "BasePredictionWriter", "Callback", "Checkpoint", "ProgressBar", "LambdaCallback")
QUICK = ["data=iris", "model=softmax", "figures=none", "trainer.accelerator=cpu"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            each,
            marks=[
                *([] if each in FAST else [pytest.mark.slow]),
                *([pytest.mark.xfail(strict=True, reason=FAILS[each])] if each in FAILS else []),
            ],
        )
        for each in CALLBACKS
        if each not in ABSTRACT
    ],
)
def test_it_trains_and_is_read_again(name: str, tmp_path: Path, perceptron: Any) -> None:
    if name == "DeviceStatsMonitor":
        pytest.importorskip("psutil", reason="it logs the statistics of a CPU by psutil alone")
    run = tmp_path / "run"
    typed = [*QUICK, f"callbacks.x._target_={MODULE}.{name}", *NEEDED.get(name, [])]
    answer = perceptron("train", f"hydra.run.dir={run}", *typed, "trainer.max_epochs=2")
    if name in CANNOT:
        assert answer.status == 2
        assert answer.err.startswith(f"error: {CANNOT[name]}")
        return
    assert answer.status == 0, answer.err
    assert yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))["callbacks"]["x"]["_target_"].endswith(
        name
    )
    trust = TRUST.get(name, [])
    evaluated = perceptron("evaluate", f"run={run}", *trust)
    assert evaluated.status == 0, evaluated.err
    (run / "metrics.json").unlink()
    resumed = perceptron("resume", f"run={run}", "trainer.max_epochs=3", *trust)
    assert resumed.status == 0, resumed.err


def test_the_tables_name_classes_that_exist() -> None:
    assert {*NEEDED, *CANNOT, *FAILS, *TRUST, *FAST, *ABSTRACT} <= {*CALLBACKS}
