"""What the tests of the Lightning-Hydra template assert, by the names of this project: docs/from-the-template.md.

Its tests train on MNIST. Here the digits of scikit-learn stand for it.
"""

import json
from pathlib import Path
from typing import Any

import hydra
import lightning as L
import pytest
import torch
from omegaconf import open_dict

from perceptron.composition.building.data import build_data
from perceptron.composition.building.model import build_model
from perceptron.composition.settings.checks import check
from perceptron.composition.train import train

DIGITS = ("data=digits", "model=digits_mlp", "logger=[]", "figures=none", "trainer.accelerator=cpu")
# The template's limits are shares of MNIST's 1,800 batches; here a share must be a batch.
LIMITS = ("+trainer.limit_train_batches=0.1", "+trainer.limit_val_batches=0.2", "+trainer.limit_test_batches=0.2",
          "data.eval_batch_size=32")  # fmt: skip


def _metrics(folder: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return found


def test_train_config(composed) -> None:
    cfg, chosen = composed(*DIGITS)
    assert cfg.data
    assert cfg.model
    assert cfg.trainer
    # The template gives the number of classes in YAML. Here model and network get it from the data.
    assert build_model(cfg, build_data(cfg.data), chosen=chosen)
    trainer = {name: value for name, value in cfg.trainer.items() if name != "num_threads"}
    assert isinstance(hydra.utils.instantiate(trainer), L.Trainer)


@pytest.mark.parametrize("batch_size", [32, 128])
def test_datamodule(batch_size: int, composed) -> None:
    cfg, _ = composed(*DIGITS, f"data.batch_size={batch_size}")
    datamodule = build_data(cfg.data)
    loaders = [datamodule.train_dataloader(), datamodule.val_dataloader(), datamodule.test_dataloader()]
    assert all(loaders)
    split = datamodule.split
    assert len(split.train) + len(split.val) + len(split.test) == 1797
    x, y = next(iter(loaders[0]))
    assert (len(x), len(y)) == (batch_size, batch_size)
    assert (x.dtype, y.dtype) == (torch.float32, torch.int64)


def test_train_fast_dev_run(composed, tmp_path: Path) -> None:
    cfg, chosen = composed(*DIGITS)
    with open_dict(cfg):
        cfg.trainer.fast_dev_run = True
        cfg.trainer.accelerator = "cpu"
    train(cfg, chosen)
    assert (tmp_path / "metrics.json").is_file()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("changes", [{"fast_dev_run": True}, {"max_epochs": 1, "precision": 16}])
def test_train_gpu(changes: dict[str, Any], composed, tmp_path: Path) -> None:
    cfg, chosen = composed(*DIGITS[:-1], "trainer=gpu")
    for name, value in changes.items():
        cfg.trainer[name] = value
    check(cfg)
    train(cfg, chosen)
    assert (tmp_path / "metrics.json").is_file()


def test_train_epoch_double_val_loop(composed, tmp_path: Path) -> None:
    cfg, chosen = composed(*DIGITS)
    cfg.trainer.max_epochs = 1
    cfg.trainer.val_check_interval = 0.5
    train(cfg, chosen)
    assert _metrics(tmp_path)["val/loss"] > 0


@pytest.mark.slow
def test_train_ddp_sim(command, tmp_path: Path) -> None:
    # The template's strategy here is ddp_spawn, which sends no checkpoint back; docs/from-the-template.md.
    done = command("train.py", *DIGITS, "trainer=ddp_sim", "trainer.max_epochs=2", f"hydra.run.dir={tmp_path}/run")
    assert done.returncode == 0, done.stderr
    assert "test/acc" in _metrics(tmp_path / "run")


def test_train_resume(perceptron, tmp_path: Path) -> None:
    """Train an epoch, finish, and resume for another epoch."""
    run = tmp_path / "run"
    assert perceptron("train", *DIGITS, "trainer.max_epochs=1", f"hydra.run.dir={run}").status == 0
    # The template names the best checkpoint epoch_000.ckpt.
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}
    first = _metrics(run)
    # In the template: ckpt_path=<last.ckpt>, and the same folder.
    answer = perceptron("resume", f"run={run}", "trainer.max_epochs=2")
    assert answer.status == 0, answer.err
    assert torch.load(run / "checkpoints/last.ckpt", weights_only=True)["epoch"] == 2
    second = _metrics(run)
    assert first["train/acc"] < second["train/acc"]
    assert first["val/acc"] < second["val/acc"]


def test_a_checkpoint_starts_another_run(perceptron, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert perceptron("train", *DIGITS, "trainer.max_epochs=1", f"hydra.run.dir={first}").status == 0
    typed = (f"ckpt_path={first}/checkpoints/last.ckpt", "trainer.max_epochs=2", f"hydra.run.dir={second}")
    answer = perceptron("train", *DIGITS, *typed)
    assert answer.status == 0, answer.err
    assert _metrics(first)["val/acc"] < _metrics(second)["val/acc"]


def test_train_eval(perceptron, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert perceptron("train", *DIGITS, "trainer.max_epochs=1", "test=true", f"hydra.run.dir={run}").status == 0
    # In the template: python src/eval.py ckpt_path=<last.ckpt>.
    answer = perceptron("evaluate", f"run={run}", "output=-")
    assert answer.status == 0, answer.err
    tested = json.loads(answer.out)
    assert tested["test/acc"] > 0
    assert tested["test/acc"] == _metrics(run)["test/acc"]


def _finished(sweep: Path) -> int:
    return len(list(sweep.glob("*/metrics.json")))


@pytest.mark.slow
def test_experiments(command, tmp_path: Path) -> None:
    # The template's experiments come without data of the user's own.
    options = "experiment=gradient_descent,notebook_breast_cancer,notebook_digits,tabm"
    done = command("train.py", "-m", options, "logger=[]", "++trainer.fast_dev_run=true", f"hydra.sweep.dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert _finished(tmp_path) == 4


@pytest.mark.slow
def test_hydra_sweep(command, tmp_path: Path) -> None:
    typed = ("optimizer.lr=0.005,0.01", "++trainer.fast_dev_run=true", f"hydra.sweep.dir={tmp_path}")
    done = command("train.py", "-m", *DIGITS, *typed)
    assert done.returncode == 0, done.stderr
    assert _finished(tmp_path) == 2


@pytest.mark.slow
def test_hydra_sweep_ddp_sim(command, tmp_path: Path) -> None:
    typed = ("trainer=ddp_sim", "trainer.max_epochs=3", *LIMITS, "optimizer.lr=0.005,0.01,0.02")
    done = command("train.py", "-m", *DIGITS, *typed, f"hydra.sweep.dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert _finished(tmp_path) == 3


@pytest.mark.slow
def test_optuna_sweep(command, tmp_path: Path) -> None:
    sampler = ("hydra.sweeper.n_trials=10", "+hydra.sweeper.sampler.n_startup_trials=5")
    typed = ("hparams_search=optuna", *sampler, "++trainer.fast_dev_run=true", f"hydra.sweep.dir={tmp_path}")
    done = command("train.py", "-m", *DIGITS, *typed)
    assert done.returncode == 0, done.stderr
    assert _finished(tmp_path) == 10


@pytest.mark.slow
def test_optuna_sweep_ddp_sim(command, tmp_path: Path) -> None:
    # Without the pruner, which the template has not; without W&B.
    search = ("hparams_search=optuna", "hydra/sweeper/pruner=none", "hydra.sweeper.n_trials=2", "trainer=ddp_sim")
    done = command("train.py", "-m", *DIGITS, *search, "trainer.max_epochs=3", *LIMITS, f"hydra.sweep.dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert _finished(tmp_path) == 2
