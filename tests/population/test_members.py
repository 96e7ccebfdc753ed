"""Members that fail, go on, or are left alone."""

import json
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from tests.population.comparing import CHOSEN, assert_same_files, assert_same_numbers, composed_pairs, configurations
from torch import Tensor, nn

from perceptron.composition.population.eligibility import check_settings, group_key
from perceptron.composition.population.members import MemberBuilder
from perceptron.composition.population.run_folder import write_run
from perceptron.composition.population.share_fit import train_together
from perceptron.composition.settings.plain import plain
from perceptron.composition.train import train
from perceptron.errors import UsageError
from perceptron.population import CannotStackError, check_stack

WINE = ["data=wine", "model=digits_mlp", "model.network.hidden=[20]", "trainer.max_epochs=4"]


class Gated(nn.Module):
    """A user's own network, with parameters outside of layers and batch normalisation."""

    def __init__(self, *, n_features: int, n_outputs: int) -> None:
        super().__init__()
        self.first = nn.Linear(n_features, 12)
        self.norm = nn.BatchNorm1d(12)
        self.gate = nn.Parameter(torch.ones(12))
        self.last = nn.Linear(12, n_outputs)

    def forward(self, features: Tensor) -> Tensor:
        hidden = self.norm(self.first(features))
        outputs: Tensor = self.last(hidden * torch.sigmoid(self.gate * hidden))
        return outputs


class Dropping(nn.Module):
    """A user's own network with dropout, not in a sequence."""

    def __init__(self, *, n_features: int, n_outputs: int, first: float = 0.2) -> None:
        super().__init__()
        self.hidden = nn.Linear(n_features, 12)
        self.drops = nn.ModuleList([nn.Dropout(first), nn.Dropout(0.0), nn.Dropout(0.4)])
        self.last = nn.Linear(12, n_outputs)

    def forward(self, features: Tensor) -> Tensor:
        hidden = self.drops[0](features)
        hidden = self.drops[1](torch.tanh(self.hidden(hidden)))
        outputs: Tensor = self.last(hidden + self.drops[2](hidden))
        return outputs


class Backwards(Dropping):
    """Its dropout is not called in the order of the modules."""

    def forward(self, features: Tensor) -> Tensor:
        hidden = self.drops[2](torch.tanh(self.hidden(features)))
        outputs: Tensor = self.last(self.drops[1](self.drops[0](hidden)))
        return outputs


class Transposed(Dropping):
    """Its dropout draws in the order of the memory, which is not that of the dimensions."""

    def forward(self, features: Tensor) -> Tensor:
        hidden = self.drops[1](self.drops[0](torch.tanh(self.hidden(features)).T).T)
        outputs: Tensor = self.last(self.drops[2](hidden))
        return outputs


class Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, features: Tensor) -> Tensor:
        outputs: Tensor = self.layer(features)
        return outputs if outputs.sum() > 0 else -outputs


def run_together(jobs: list[DictConfig]) -> list[str]:
    pairs = composed_pairs(jobs)
    fit = train_together(pairs)
    assert fit is not None
    errors = []
    for job, member in pairs:
        try:
            write_run(job, member, fit)
        except UsageError as error:
            errors.append(f"{job.number}: {error}")
    return errors


def test_a_member_whose_loss_is_nan_fails_and_harms_no_other(tmp_path: Path) -> None:
    rates: list[dict[str, object]] = [{"optimizer.lr": rate} for rate in (0.05, 1e30, 0.1)]
    errors = run_together(configurations(WINE, rates, tmp_path / "with"))
    (alone,) = configurations(WINE, [rates[1]], tmp_path / "alone")
    with pytest.raises(
        UsageError, match=r"the loss must stay finite, got .*; lower optimizer.lr=1e\+30 or set "
    ) as caught:
        train(alone, CHOSEN, quiet=True)
    assert errors == [f"1: {caught.value}"]
    assert_same_files(tmp_path / "alone" / "0", tmp_path / "with" / "1")
    assert not (tmp_path / "with" / "1" / "metrics.json").exists()
    run_together(configurations(WINE, [rates[0], rates[2]], tmp_path / "without"))
    for one, other in (("0", "0"), ("2", "1")):
        first, second = (
            json.loads((tmp_path / folder / number / "metrics.json").read_text(encoding="utf-8"))
            for folder, number in (("with", one), ("without", other))
        )
        assert_same_numbers(first, second, 1e-6)


@pytest.mark.parametrize("network", ["Gated", "Dropping"])
def test_a_user_s_own_network_is_stacked(tmp_path: Path, network: str) -> None:
    overrides = [*WINE[:1], "model=softmax", "trainer.max_epochs=3", "data.folds=5", "data.fold=0"]
    variations: list[dict[str, object]] = [{"seed": seed, "data.fold": fold} for seed in (0, 1) for fold in (0, 3)]

    def jobs(name: str) -> list[DictConfig]:
        found = configurations(overrides, variations, tmp_path / name)
        for cfg in found:
            OmegaConf.set_struct(cfg, False)
            cfg.model.network = {"_target_": f"{__name__}.{network}"}
        return found

    for cfg in jobs("alone"):
        train(cfg, CHOSEN, quiet=True)
    assert run_together(jobs("together")) == []
    for number in range(4):
        alone, together = (
            json.loads((tmp_path / name / str(number) / "metrics.json").read_text(encoding="utf-8"))
            for name in ("alone", "together")
        )
        assert_same_numbers(alone, together, 1e-4)


def test_a_member_is_resumed_as_the_job_alone_would_be(tmp_path: Path) -> None:
    run_together(configurations(WINE, [{"seed": 0}, {"seed": 1}], tmp_path / "short"))
    longer = [*WINE[:3], "trainer.max_epochs=7"]
    (whole,) = configurations(longer, [{"seed": 1}], tmp_path / "whole")
    (resumed,) = configurations(longer, [{"seed": 1}], tmp_path / "resumed")
    resumed.ckpt_path = str(tmp_path / "short" / "1" / "checkpoints" / "last.ckpt")
    train(whole, CHOSEN, quiet=True)
    train(resumed, CHOSEN, quiet=True)
    one, other = (
        json.loads((tmp_path / name / "0" / "metrics.json").read_text(encoding="utf-8"))
        for name in ("whole", "resumed")
    )
    assert_same_numbers(one, other, 1e-4)


def _refusal(cfg: DictConfig) -> str:
    try:
        check_settings(plain(cfg))
        MemberBuilder().build(plain(cfg), CHOSEN)
    except CannotStackError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("trainer.max_steps=3", "trainer.max_steps=3 ends its training within the first epoch"),
        (
            "trainer.limit_train_batches=2",
            "it has trainer.limit_train_batches=2: "
            "members train on all batches of an epoch, and are validated after it",
        ),
        ("trainer.check_val_every_n_epoch=null", "it has trainer.check_val_every_n_epoch=None"),
        ("data.block_size=64", "it has data.block_size=64"),
        ("train=false", "it has train=False"),
        ("ckpt_path=some.ckpt", "it has ckpt_path=some.ckpt"),
        (
            "callbacks=descent",
            "it has the callback perceptron.callbacks.DescentFigure: its methods take the trainer of one model",
        ),
        (
            "callbacks.early_stopping._target_=own.EarlyStopping",
            "it has the callback own.EarlyStopping: its methods take the trainer of one model",
        ),
        ("+callbacks.early_stopping.divergence_threshold=9", "its EarlyStopping has divergence_threshold=9"),
        ("+callbacks.checkpoint.save_last=true", "its ModelCheckpoint has save_last=True"),
        ("optimizer=lbfgs", "LBFGS has no stacked form; optimizers of torch.optim that combine no elements have"),
    ],
)
def test_what_cannot_be_stacked_runs_alone_with_a_reason(tmp_path: Path, override: str, reason: str) -> None:
    (cfg,) = configurations([*WINE, override], [{}], tmp_path)
    assert _refusal(cfg) == reason


def test_a_network_that_vmap_refuses_is_not_stacked() -> None:
    with pytest.raises(CannotStackError, match="vmap refuses its network"):
        check_stack(Branching(), torch.ones(4, 3))


def test_dropout_that_is_called_in_another_order_is_not_stacked() -> None:
    check_stack(Dropping(n_features=3, n_outputs=2), torch.ones(4, 3))
    with pytest.raises(CannotStackError, match="its layers of dropout are not called once each, in their order"):
        check_stack(Backwards(n_features=3, n_outputs=2, first=0.1), torch.ones(4, 3))


def test_dropout_that_draws_otherwise_is_not_stacked() -> None:
    with pytest.raises(CannotStackError, match="draws its dropout otherwise side by side than alone"):
        check_stack(Transposed(n_features=3, n_outputs=2), torch.ones(4, 3))


def test_groups_are_of_one_architecture_optimizer_and_batch(tmp_path: Path) -> None:
    variations: list[dict[str, object]] = [
        {"seed": 0},
        {"seed": 5, "optimizer.lr": 0.3, "data.split_seed": 2, "model.label_smoothing": 0.1},
        {"model.network.hidden": [30]},
        {"data.batch_size": 16},
        {"trainer.max_epochs": 9},
        {"model.network.dropout": 0.1},
    ]
    keys = [group_key(plain(cfg)) for cfg in configurations(WINE, variations, tmp_path)]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 5
