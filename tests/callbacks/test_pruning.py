from pathlib import Path

import pytest

from perceptron.callbacks import PruneHopeless
from perceptron.composition.building.data import build_data
from perceptron.composition.building.model import build_model
from perceptron.composition.building.trainer import build_trainer
from perceptron.errors import PrunedError, UsageError
from perceptron.runs.checkpoints.metadata import StoredMetadata

optuna = pytest.importorskip("optuna")


def trial(folder: Path, number: int, pruner: object) -> PruneHopeless:
    storage = f"sqlite:///{folder / 'search.db'}"
    found = PruneHopeless(storage=storage, study_name="search", number=number, monitor="val/loss", pruner=pruner)
    found.connect()
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A study of three trials, the first of which ended well."""
    study = optuna.create_study(storage=f"sqlite:///{tmp_path / 'search.db'}", study_name="search")
    first, *_ = [study.ask() for _ in range(3)]
    for epoch in range(3):
        first.report(0.1, step=epoch)
    study.tell(first, 0.1)
    return tmp_path


def test_it_asks_the_pruner_that_it_is_given(folder: Path) -> None:
    eager = optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=0)
    assert isinstance(trial(folder, 1, eager).verdict(0.5, 0), PrunedError)
    patient = optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=2)
    second = trial(folder, 2, patient)
    assert second.verdict(0.5, 0) is None
    assert second.verdict(0.5, 1) is None
    assert str(second.verdict(0.5, 2)) == "pruned after epoch 2: val/loss 0.5000 falls behind"


def test_an_epoch_is_reported_once(folder: Path) -> None:
    never = optuna.pruners.NopPruner()
    assert trial(folder, 1, never).verdict(0.5, 0) is None
    again = trial(folder, 1, never)
    assert again.verdict(0.7, 0) is None
    assert again.verdict(0.4, 1) is None
    study = optuna.load_study(study_name="search", storage=f"sqlite:///{folder / 'search.db'}")
    assert study.trials[1].intermediate_values == {0: 0.5, 1: 0.4}


def test_an_epoch_without_a_validation_has_nothing_to_report(folder: Path, composed) -> None:
    pruning = trial(folder, 1, optuna.pruners.NopPruner())
    cfg, chosen = composed(
        "data=iris", "model=softmax", "logger=none", "trainer.max_epochs=6", "trainer.check_val_every_n_epoch=2"
    )
    data = build_data(cfg.data)
    trainer = build_trainer(cfg, [pruning, StoredMetadata(config={}, schema=data.schema)])
    trainer.fit(build_model(cfg, data, chosen=chosen), datamodule=data)
    study = optuna.load_study(study_name="search", storage=f"sqlite:///{folder / 'search.db'}")
    # Numbered from 0; the last is not reported any more.
    assert list(study.trials[1].intermediate_values) == [1, 3]


def test_a_trial_that_is_over_is_trained_for_longer(folder: Path) -> None:
    eager = optuna.pruners.MedianPruner(n_startup_trials=0, n_warmup_steps=0)
    assert trial(folder, 0, eager).verdict(9.0, 3) is None
    study = optuna.load_study(study_name="search", storage=f"sqlite:///{folder / 'search.db'}")
    assert study.trials[0].intermediate_values == {0: 0.1, 1: 0.1, 2: 0.1}


def test_a_trial_that_is_not_there(folder: Path) -> None:
    with pytest.raises(UsageError, match="must be a trial of the study search, got 7 of 3"):
        trial(folder, 7, optuna.pruners.NopPruner())
