import pytest
from tests.runs.checkpoints.stopped_runs import Kill

from perceptron.composition import train as training
from perceptron.composition.building.trainer import build_trainer


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Kill:
    callback = Kill()
    monkeypatch.setattr(
        training, "build_trainer", lambda cfg, own, **more: build_trainer(cfg, [*own, callback], **more)
    )
    return callback
