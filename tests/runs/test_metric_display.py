import math
from pathlib import Path

import pytest

from perceptron.reports.run_page import metrics_html
from perceptron.runs.metric_display import format_value, row_labels, undefined_notes
from perceptron.runs.results_table import print_results

METRICS = {"val/acc": 0.5, "val/auroc": math.nan, "val/average_precision": math.nan, "test/acc": 0.75, "test/r2": None}


def test_each_reason_is_told_once() -> None:
    assert undefined_notes(METRICS) == [
        "\N{EN DASH} auroc, average_precision: needs rows of every class, and probabilities or scores",
        "\N{EN DASH} r2: needs two rows with different targets",
    ]
    assert undefined_notes({"val/acc": 0.5}) == []


def test_an_undefined_metric_is_a_dash_with_its_reason(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    print_results({name: math.nan if value is None else value for name, value in METRICS.items()},
                  title="a model", folder=tmp_path, notes=[])  # fmt: skip
    told = capsys.readouterr().out
    for text in (told, metrics_html(METRICS)):
        assert "nan" not in text
        assert "\N{EN DASH}" in text
        assert "needs two rows with different targets" in text
    (row,) = (line.split() for line in told.splitlines() if "acc " in line)
    assert [cell for cell in row if cell != "│"] == ["acc", "0.5000", "0.7500"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0000"),
        (0.12345, "0.1235"),
        (-0.00006, "-0.0001"),
        (2.34e-7, "2.3e-07"),
        (1e9, "1000000000.0000"),
        (-1.8435e15, "-1.8435e+15"),
    ],
)
def test_a_number_that_is_not_zero_is_not_shown_as_zero(value: float, text: str) -> None:
    assert format_value(value) == text


def test_a_loss_that_is_the_log_loss_is_shown_once() -> None:
    both = {"val/loss": 0.12341, "val/acc": 0.9, "val/log_loss": 0.123412, "test/loss": None, "test/log_loss": None}
    assert row_labels(both) == {"loss": "loss = log_loss", "acc": "acc"}
    smoothed = both | {"val/loss": 0.2}
    assert row_labels(smoothed) == {"loss": "loss", "acc": "acc", "log_loss": "log_loss"}
    assert row_labels({"test/rmse": 1.0, "test/loss": 1.0}) == {"rmse": "rmse", "loss": "loss"}
