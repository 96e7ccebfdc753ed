"""A sweep that was stopped says everywhere which settings it varies, and what it lacks."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from perceptron import load_sweep
from perceptron.reports.sweep_page import sweep_page

SHORT = ("trainer.max_epochs=1", "logger=none", "figures=none", "model=logistic")


@pytest.mark.usefixtures("hours")
def test_all_finished_jobs_have_one_value(
    sweep: Callable[..., tuple[int, Path]], perceptron, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The setting that was run is told by it, because the sweep's others have not started."""
    status, folder = sweep(*SHORT, "data.batch_size=16,32,64", "seed=range(2)", "sweep.max_hours=2")
    assert status == 124
    missing = "incomplete: 2 of 6 jobs done, 4 not started"
    command = f"perceptron train -m sweep.resume={folder}"
    printed = capfd.readouterr().out
    table = (
        "| # | batch_size | val/loss | std | test/acc | runs |\n| ---: | --- | ---: | ---: | ---: | ---: |\n| 1 | 16 |"
    )
    assert "batch_size" in printed.partition("best setting")[0]
    assert table in (folder / "summary.md").read_text(encoding="utf-8")
    assert re.search(r"<th[^>]*>batch_size</th>", sweep_page(folder))
    assert load_sweep(folder).summary()["data.batch_size"].tolist() == [16]

    # Of the sweep, and of a folder that holds it.
    for compared in (folder, tmp_path):
        answer = perceptron("compare", compared, f"output={tmp_path}/compared")
        assert answer.status == 0
        assert "batch_size" in answer.out
        assert f"{missing}\nto run what is missing: {command}\n" in answer.out
        text = (tmp_path / "compared/compare.md").read_text(encoding="utf-8")
        assert text.startswith(f"**{missing}**; go on with `{command}`\n")
        assert "| # | batch_size |" in text
    # A job is no sweep that lacks others.
    assert "incomplete" not in perceptron("compare", folder / "0", f"output={tmp_path}/compared").out
