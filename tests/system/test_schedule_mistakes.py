"""Schedules that would fail in the middle of a training, or at its first checkpoint, are one line before it."""

from pathlib import Path
from typing import Any

import pytest

QUICK = ["data=iris", "model=softmax", "figures=none", "trainer.accelerator=cpu", "trainer.max_epochs=2"]


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (["scheduler._target_=torch.optim.lr_scheduler.OneCycleLR", "scheduler.max_lr=0.1", "scheduler.total_steps=3",
          "optimizer.momentum=0.9"], "OneCycleLR must have as many steps as the training, 8, got 3; leave"),
        (["scheduler._target_=torch.optim.lr_scheduler.LambdaLR",
          "scheduler.lr_lambda={_target_:hydra.utils.get_method,path:math.sqrt}"],
         "scheduler must have a state that a checkpoint can hold, got from torch.optim.lr_scheduler.LambdaLR: "),
    ],
)  # fmt: skip
def test_it_is_one_line(tmp_path: Path, perceptron: Any, typed: list[str], line: str) -> None:
    answer = perceptron("train", f"hydra.run.dir={tmp_path / 'run'}", *QUICK, *typed)
    assert answer.status == 2
    # Behind a line on the task.
    *_, said = answer.err.splitlines()
    assert said.startswith(f"error: {line}")
    assert "Traceback" not in answer.err
