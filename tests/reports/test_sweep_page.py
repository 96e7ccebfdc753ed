from pathlib import Path

from tests.sweeps.written_runs import writer_of_runs

from perceptron.reports.sweep_page import sweep_page


def test_an_undefined_metric_of_a_job_has_its_reason(tmp_path: Path) -> None:
    make_run = writer_of_runs(tmp_path)
    make_run("0", metrics={"val/loss": 0.5, "test/acc": 0.75, "test/auroc": None})
    make_run("1", metrics={"val/loss": 0.25, "test/acc": 0.875, "test/auroc": 0.9}, seed=1)
    html = sweep_page(tmp_path)
    assert '<td class="number">\N{EN DASH}</td>' in html
    assert "\N{EN DASH} auroc: needs rows of every class, and probabilities or scores." in html
