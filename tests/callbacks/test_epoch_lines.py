import logging

import lightning as L
import pytest
from lightning.pytorch.demos.boring_classes import BoringModel

from perceptron.callbacks import EpochLines

pytestmark = pytest.mark.filterwarnings("ignore::lightning.fabric.utilities.warnings.PossibleUserWarning")


class _Logged(BoringModel):
    def on_validation_epoch_end(self) -> None:
        self.log("val/loss", 0.25)


def test_each_epoch_is_a_line(caplog: pytest.LogCaptureFixture) -> None:
    lines = EpochLines()
    trainer = L.Trainer(accelerator="cpu", max_epochs=2, logger=False, enable_checkpointing=False, callbacks=[lines])
    with caplog.at_level(logging.INFO, logger="perceptron"):
        trainer.fit(_Logged())
        lines.disable()
        lines.on_train_epoch_end(trainer, trainer.lightning_module)
    own = [record.getMessage() for record in caplog.records if record.name.startswith("perceptron")]
    assert own == ["epoch 1/2  val/loss 0.25", "epoch 2/2  val/loss 0.25"]
