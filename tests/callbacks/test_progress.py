import io

import lightning as L
import pytest
from lightning.pytorch.demos.boring_classes import BoringModel
from rich.console import Console

from perceptron.callbacks import EpochProgress, progress

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


def test_it_is_silent_elsewhere(monkeypatch) -> None:
    assert _shown(monkeypatch, terminal=False) == ""
