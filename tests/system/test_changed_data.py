"""A file that has changed since training has other splits: training rows would be taken for test rows."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest


def _rows(n: int) -> pd.DataFrame:
    x = np.random.default_rng(0).normal(size=n)
    return pd.DataFrame({"x": x, "y": np.where(x > 0, "yes", "no")})


@pytest.mark.parametrize("change", ["more", "values", "order"])
def test_rows_that_have_changed_are_said_and_not_trained_on(perceptron, tmp_path: Path, change: str) -> None:
    file, folder = tmp_path / "rows.csv", tmp_path / "run"
    _rows(60).to_csv(file, index=False)
    settings = ("data=table", f"data.path={file}", "data.target=y", "figures=none", "logger=none")
    trained = perceptron("train", f"hydra.run.dir={folder}", *settings, "trainer.max_epochs=2")
    assert trained.status == 0, trained.err
    assert "changed" not in perceptron("evaluate", f"run={folder}").err
    metrics = (folder / "metrics.json").read_text(encoding="utf-8")

    changed = {
        "more": pd.concat([_rows(60), _rows(10)]),
        "values": _rows(60).assign(x=lambda rows: rows["x"] + (rows.index == 5)),
        "order": _rows(60).iloc[::-1],
    }[change]
    changed.to_csv(file, index=False)
    said = "70 rows, where the run had 60" if change == "more" else "other values or another split of its rows"
    assert f"the data has changed since training: it has {said}" in perceptron("evaluate", f"run={folder}").err
    other = tmp_path / "other.csv"
    changed.to_csv(other, index=False)
    assert "changed" not in perceptron("evaluate", f"run={folder}", f"data.path={other}").err
    refused = perceptron("resume", f"run={folder}", "trainer.max_epochs=3")
    assert refused.status == 2
    assert f"a run goes on with the rows that it was trained on, got {said}" in refused.err
    assert (folder / "metrics.json").read_text(encoding="utf-8") == metrics

    # The same rows in another format are the same.
    _rows(60).to_parquet(tmp_path / "rows.parquet")
    moved = f"data.path={tmp_path / 'rows.parquet'}"
    went_on = perceptron("resume", f"run={folder}", moved, "trainer.max_epochs=3")
    assert went_on.status == 0, went_on.err
    assert json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["training"]["epochs"] == 3
