import json
from pathlib import Path

import lightning as L
import pytest
import torch
from lightning.pytorch.demos.boring_classes import BoringModel

from perceptron.callbacks import EpochClock


class _Slow(L.Callback):
    """Waits in the validation of an epoch, which belongs to it."""

    def __init__(self, clock: list[float]) -> None:
        self.clock = clock

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        self.clock[0] += 1.0 + trainer.current_epoch


@pytest.mark.parametrize(("enough", "expected"), [(10.0, [1.0, 2.0, 3.0]), (1.5, [1.0, 2.0])])
def test_epochs_are_measured_until_one_is_long(
    enough: float, expected: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("perceptron.callbacks.epoch_clock.time.perf_counter", lambda: now[0])
    clock = EpochClock(path=str(tmp_path / "seconds.json"), enough=enough)
    trainer = L.Trainer(
        max_epochs=3, callbacks=[clock, _Slow(now)], limit_train_batches=1, limit_val_batches=1,
        num_sanity_val_steps=0, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, accelerator="cpu", default_root_dir=tmp_path,
    )  # fmt: skip
    data = torch.utils.data.DataLoader(torch.zeros(2, 32))
    trainer.fit(BoringModel(), data, data)
    assert clock.seconds == json.loads((tmp_path / "seconds.json").read_text(encoding="utf-8")) == expected
