from perceptron.runs.metric_rows import metric_rows


def test_a_loss_that_is_the_log_loss_is_shown_once() -> None:
    both = {"val/loss": 0.12341, "val/acc": 0.9, "val/log_loss": 0.123412, "test/loss": None, "test/log_loss": None}
    assert metric_rows(both) == {"loss": "loss = log_loss", "acc": "acc"}
    smoothed = both | {"val/loss": 0.2}
    assert metric_rows(smoothed) == {"loss": "loss", "acc": "acc", "log_loss": "log_loss"}
    assert metric_rows({"test/rmse": 1.0, "test/loss": 1.0}) == {"rmse": "rmse", "loss": "loss"}
