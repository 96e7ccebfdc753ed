import io
import re

import lightning as L
import pytest
from lightning.pytorch.demos.boring_classes import BoringModel
from rich.console import Console

from perceptron.callbacks import EpochProgress, progress
from perceptron.callbacks.progress import latest_metrics

pytestmark = pytest.mark.filterwarnings("ignore::lightning.fabric.utilities.warnings.PossibleUserWarning")


def _shown(monkeypatch, *, terminal: bool) -> str:
    screen = io.StringIO()
    monkeypatch.setattr(progress, "Console", lambda **_: Console(file=screen, force_terminal=terminal, width=100))
    trainer = L.Trainer(
        accelerator="cpu", max_epochs=2, logger=False, enable_checkpointing=False, callbacks=[EpochProgress()]
    )
    trainer.fit(BoringModel())
    return screen.getvalue()


def test_a_terminal_shows_epochs(monkeypatch) -> None:
    shown = _shown(monkeypatch, terminal=True)
    assert "epochs" in shown
    assert "2/2" in shown


@pytest.mark.parametrize(
    ("width", "metrics"),
    [
        (60, "val/loss 0.9745  val/acc 0.8111"),
        (80, "train/loss 1.855  val/loss 0.9745  val/acc 0.8111"),
        (120, "train/loss 1.855  val/loss 0.9745  val/acc 0.8111"),
    ],
)
def test_a_narrow_terminal_shows_the_count_the_time_and_the_last_metrics(monkeypatch, width: int, metrics: str) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, color_system=None, width=width)
    monkeypatch.setattr(progress, "Console", lambda **_: console)
    bar = progress.EpochBar("epochs", total=100)
    bar.move(37, "train/loss 1.855  val/loss 0.9745  val/acc 0.8111")
    bar.stop()
    assert re.search(rf"epochs ━+\S* +37/100 \S+ {metrics}", screen.getvalue()), screen.getvalue()


def test_it_is_silent_elsewhere(monkeypatch) -> None:
    assert _shown(monkeypatch, terminal=False) == ""


class _Undefined(BoringModel):
    def on_validation_epoch_end(self) -> None:
        self.log_dict({"val/loss": 0.25, "val/r2": float("nan")})


def test_an_undefined_metric_is_a_dash() -> None:
    trainer = L.Trainer(
        accelerator="cpu", max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False
    )
    trainer.fit(_Undefined())
    assert latest_metrics(trainer) == "val/loss 0.25  val/r2 \N{EN DASH}"
