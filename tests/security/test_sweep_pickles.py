"""Pickles in a sweep's folder are not read when it is resumed."""

import pickle
from pathlib import Path

import pytest
from tests.conftest import Perceptron
from tests.security.stored_sweeps import refused, store
from tests.security.test_stored_code import Payload

from perceptron.composition.sweeps.resume import resumed_arguments
from perceptron.errors import UsageError


def test_a_search_does_not_unpickle_what_lies_in_its_database(tmp_path: Path) -> None:
    option = "hydra/sweeper/sampler=cmaes"
    for stored, typed in (((option,), ()), ((), (option,))):
        sweep = store(tmp_path / "sweep", hydra=("hydra/sweeper=optuna", *stored))
        with pytest.raises(UsageError, match=r"type 'trust=\[optuna.samplers.CmaEsSampler\]'"):
            resumed_arguments([f"sweep.resume={sweep}", *typed])
        resumed = resumed_arguments([f"sweep.resume={sweep}", *typed, "trust=[optuna.samplers.CmaEsSampler]"])
        assert resumed is not None
        assert option in resumed


def test_a_pickle_in_a_database_is_not_read(perceptron: Perceptron, tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna")
    marker, sweep = tmp_path / "marker", tmp_path / "sweep"
    space = ("optimizer.lr=interval(0.01, 0.1)", "optimizer.weight_decay=interval(0.0, 0.1)")
    search = ("hydra/sweeper=optuna", "hydra/sweeper/sampler=cmaes", "hydra.sweeper.n_trials=2")
    store(sweep, space, (*search, "+hydra.sweeper.sampler.n_startup_trials=1"))
    stored = (sweep / "multirun.yaml").read_text(encoding="utf-8")
    (sweep / "multirun.yaml").write_text(stored.replace("seed=1,2", "seed=1"), encoding="utf-8")
    study = optuna.create_study(storage=f"sqlite:///{sweep / 'search.db'}", study_name="search")
    trial = study.ask(
        {
            "optimizer.lr": optuna.distributions.FloatDistribution(0.01, 0.1),
            "optimizer.weight_decay": optuna.distributions.FloatDistribution(0.0, 0.1),
        }
    )
    payload = pickle.dumps(Payload(marker)).hex()
    study._storage.set_trial_system_attr(trial._trial_id, "cma:optimizer:0", payload)
    study.tell(trial, 0.5)
    assert "type 'trust=[optuna.samplers.CmaEsSampler]'" in refused(perceptron, sweep, marker)
    perceptron("train", f"sweep.resume={sweep}", "trust=[optuna.samplers.CmaEsSampler]")
    assert marker.exists(), "the payload works"


@pytest.mark.parametrize("where", ["stored", "typed"])
def test_submitit_does_not_unpickle_what_lies_in_the_sweep(tmp_path: Path, where: str) -> None:
    """It takes a result that is there already for that of the job whose number is in the name."""
    option = "hydra/launcher=submitit_local"
    sweep = store(tmp_path / "sweep", hydra=(option,) if where == "stored" else ())
    folders = set()
    for _ in range(2):
        resumed = resumed_arguments([f"sweep.resume={sweep}", *([] if where == "stored" else [option])])
        assert resumed is not None
        (folder,) = [text for text in resumed if text.startswith("hydra.launcher.submitit_folder=")]
        assert folder.startswith(f"hydra.launcher.submitit_folder='{sweep}/.submitit/")
        folders.add(folder)
    assert len(folders) == 2


def test_a_pickle_behind_rerun_is_not_read(perceptron: Perceptron, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    (tmp_path / "job.pickle").write_bytes(pickle.dumps(Payload(marker)))
    answer = perceptron("train", "--experimental-rerun", tmp_path / "job.pickle")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert "got --experimental-rerun, which reads a pickle" in answer.err
    assert not marker.exists()
