"""What stands out in a table is looked for once, when a run is first trained."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perceptron.data import data_report


def test_commands_for_a_finished_run_do_not_look_again(
    perceptron, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"a": random.normal(size=60), "b": random.normal(size=60)})
    frame["y"] = np.where(frame.a + frame.b > 0, "yes", "no")
    frame.to_csv(tmp_path / "rows.csv", index=False)
    folder = tmp_path / "run"
    settings = ("data=table", f"data.path={tmp_path / 'rows.csv'}", "data.target=y", "logger=none", "figures=none")
    short = (*settings, "trainer.max_epochs=2")
    answer = perceptron("train", f"hydra.run.dir={folder}", *short)
    assert answer.status == 0, answer.err
    found = (folder / "data_report.json").read_text(encoding="utf-8")

    def looked(*_: object) -> None:
        raise AssertionError("looked for what stands out")

    with monkeypatch.context() as patch:
        patch.setattr(data_report, "data_report", looked)
        assert perceptron("evaluate", f"run={folder}").status == 0
        assert perceptron("export", f"run={folder}", "format=torch").status == 0
        assert perceptron("resume", f"run={folder}", "trainer.max_epochs=3").status == 0
    assert (folder / "data_report.json").read_text(encoding="utf-8") == found
    # An estimator's run has one too.
    assert perceptron("train", f"hydra.run.dir={tmp_path / 'sk'}", *settings, "model=sklearn_logistic").status == 0
    assert json.loads((tmp_path / "sk/data_report.json").read_text(encoding="utf-8")) == json.loads(found)
