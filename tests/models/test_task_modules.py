"""Training, evaluation and prediction with a task module."""

from functools import partial
from typing import Any

import lightning as L
import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from torch import nn
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassCohenKappa

from perceptron.data import TableDataModule
from perceptron.errors import DivergedError
from perceptron.models import BinaryClassifier, MulticlassClassifier, Standardize, schedules

pytestmark = pytest.mark.filterwarnings("ignore::lightning.fabric.utilities.warnings.PossibleUserWarning")
BARE: dict[str, Any] = {
    "accelerator": "cpu", "logger": False, "enable_checkpointing": False, "enable_progress_bar": False,
    "enable_model_summary": False, "num_sanity_val_steps": 0, "log_every_n_steps": 0,
}  # fmt: skip


def test_standardisation_is_part_of_the_state(build) -> None:
    datamodule = TableDataModule(dataset=load_iris)
    state = build(datamodule).state_dict()
    torch.testing.assert_close(state["standardize.mean"].double(), torch.tensor(datamodule.features_scaling.mean))
    target = build(TableDataModule(dataset=load_diabetes)).state_dict()
    assert {"standardize_target.mean", "standardize_target.scale"} <= set(target)


def test_raw_features_go_in(build) -> None:
    datamodule = TableDataModule(dataset=load_iris)
    model = build(datamodule)
    raw = torch.from_numpy(datamodule.table.features)
    scaling = datamodule.features_scaling
    by_hand = model.network(((raw - torch.tensor(scaling.mean)) / torch.tensor(scaling.scale)).float())
    torch.testing.assert_close(model(raw), by_hand)


def test_epoch_loss_is_the_mean_over_rows_and_val_metrics_are_logged(build, fit) -> None:
    datamodule = TableDataModule(dataset=load_breast_cancer, batch_size=100)
    model = build(datamodule, lr=1e-12)
    logged = fit(model, datamodule, max_epochs=1).callback_metrics
    rows = datamodule.split.train
    features, target = (
        torch.from_numpy(column[rows]) for column in (datamodule.table.features, datamodule.table.target)
    )
    expected = model.row_losses(model(features), target).mean()
    torch.testing.assert_close(logged["train/loss"], expected.detach())
    names = ("loss", "acc", "balanced_acc", "auroc", "average_precision", "f1", "log_loss", "ece")
    assert set(logged) == {"train/loss", "train/acc", *(f"val/{name}" for name in names)}
    correct = model.answers(model(features)).labels == target
    torch.testing.assert_close(logged["train/acc"], correct.float().mean())


def test_lightnings_own_evaluation_returns_the_metrics(build, fit) -> None:
    datamodule = TableDataModule(dataset=load_iris)
    model = build(datamodule)
    trainer = fit(model, datamodule, max_epochs=1)
    (tested,) = trainer.test(model, datamodule=datamodule, verbose=False)
    (validated,) = trainer.validate(model, datamodule=datamodule, verbose=False)
    assert {"test/loss", "test/acc"} <= tested.keys()
    assert {"val/loss", "val/acc"} <= validated.keys()


def test_dropout_is_a_function_of_seed_and_epoch(fit) -> None:
    def weights(seed: int, noise: int) -> torch.Tensor:
        datamodule = TableDataModule(dataset=load_digits)
        torch.manual_seed(0)
        network = nn.Sequential(nn.Dropout(0.5), nn.Linear(64, 10))
        module = MulticlassClassifier(
            network=network,
            standardize=Standardize(datamodule.features_scaling.mean, datamodule.features_scaling.scale),
            seed=seed,
        )
        torch.manual_seed(noise)
        fit(module, datamodule, max_epochs=2)
        return network[1].weight.detach()

    assert torch.equal(weights(0, noise=1), weights(0, noise=2))
    assert not torch.equal(weights(0, noise=1), weights(1, noise=1))


def test_the_splits_are_tested_at_once_each_under_its_name(build, fit) -> None:
    datamodule = TableDataModule(dataset=load_iris)
    model = build(datamodule)
    trainer = fit(model, datamodule, max_epochs=1)
    splits = ("train", "val", "test")
    trainer.test(model, {split: datamodule.eval_dataloader(split) for split in splits}, verbose=False)
    together = {split: model.measured(split) for split in splits}
    for split in splits:
        trainer.test(model, {split: datamodule.eval_dataloader(split)}, verbose=False)
        assert together[split] == model.measured(split)
        assert f"{split}/acc" in together[split]
    trainer.test(model, datamodule=datamodule, verbose=False)
    assert trainer.callback_metrics.keys() == together["test"].keys()


def test_what_double_precision_computes_stays_in_it(build) -> None:
    model = build(TableDataModule(dataset=load_diabetes)).double().eval()
    features, target = torch.randn(50, 10).double(), 100 * torch.randn(50, 1).double()
    for part in (slice(0, 30), slice(30, 50)):
        model._update("val", (features[part], target[part]))
    loss = model.loss_in_units(model.row_losses(model(features), target).mean())
    assert model.measured("val")["val/loss"].item() == pytest.approx(loss.item(), rel=1e-14)
    errors = model.predict(features).labels - target
    assert model.measured("val")["val/rmse"].item() == pytest.approx(errors.square().mean().sqrt().item(), rel=1e-14)


def test_only_what_is_wanted_is_reported(build) -> None:
    own = MetricCollection({"kappa": MulticlassCohenKappa(3)})
    target = torch.arange(3).repeat(10)
    for wanted, names in (
        ({"metrics": own, "task_metrics": False}, ["kappa"]),
        ({"task_metrics": False}, []),
        ({"metrics": own}, ["acc", "balanced_acc", "auroc", "average_precision", "f1", "log_loss", "ece", "kappa"]),
    ):
        model = build(TableDataModule(dataset=load_iris), **wanted)
        found = model.metrics(torch.randn(30, 3), target)
        assert list(found) == names


class Members(nn.Module):
    """Three linear networks that are trained as an ensemble."""

    def __init__(self, n_features: int, n_outputs: int) -> None:
        super().__init__()
        self.networks = nn.ModuleList(nn.Linear(n_features, n_outputs) for _ in range(3))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return torch.stack([network(features) for network in self.networks], dim=1)


def _rows_of(data: TableDataModule, split: str = "train") -> tuple[torch.Tensor, torch.Tensor]:
    rows = data.split.rows(split)
    return torch.from_numpy(data.table.features[rows]), torch.from_numpy(data.table.target[rows])


def _standardize(data: TableDataModule) -> Standardize:
    return Standardize(data.features_scaling.mean, data.features_scaling.scale)


def test_members_are_trained_each_on_its_own_loss_and_measured_together(fit) -> None:
    data = TableDataModule(dataset=load_iris, batch_size=40)
    torch.manual_seed(0)
    network = Members(4, 3)
    model = MulticlassClassifier(
        network=network, standardize=_standardize(data), optimizer=partial(torch.optim.SGD, lr=1e-9)
    )
    logged = fit(model, data, max_epochs=1).callback_metrics
    features, target = _rows_of(data)
    losses = [F.cross_entropy(one(model.standardize(features)), target) for one in network.networks]
    torch.testing.assert_close(logged["train/loss"], torch.stack(losses).mean().detach())
    features, target = _rows_of(data, "val")
    of_members = torch.stack([one(model.standardize(features)).softmax(dim=1) for one in network.networks])
    together = F.nll_loss(of_members.mean(dim=0).log(), target)
    torch.testing.assert_close(logged["val/loss"], together.detach())
    # In training, the outputs of each.
    assert model.train()(features).shape == (len(features), 3, 3)
    assert model.eval()(features).shape == (len(features), 3)


def test_weights_count_in_the_loss_of_training(fit) -> None:
    data = TableDataModule(dataset=load_breast_cancer, class_weights="balanced", batch_size=50)
    torch.manual_seed(0)
    model = BinaryClassifier(
        network=nn.Linear(30, 1), standardize=_standardize(data), optimizer=partial(torch.optim.SGD, lr=1e-9)
    )
    logged = fit(model, data, max_epochs=1).callback_metrics
    features, target = _rows_of(data)
    counts = torch.bincount(target)
    weights = len(target) / (2 * counts[target])
    expected = (model.row_losses(model(features), target) * weights).mean()
    torch.testing.assert_close(logged["train/loss"], expected.detach())


def test_a_batch_may_have_several_weights_a_row(build) -> None:
    model = build(TableDataModule(dataset=load_iris))
    features, target, weights = torch.randn(6, 4), torch.tensor([0, 1, 2, 0, 1, 2]), torch.rand(2, 6)
    model.trainer = L.Trainer(**BARE)
    loss = model.training_step((features, target, *weights), 0)
    losses = F.cross_entropy(model.network(model.standardize(features)), target, reduction="none")
    torch.testing.assert_close(loss, (losses * weights[0] * weights[1]).mean())


class Stops(L.Callback):
    """Looks at what a checkpoint in the middle of an epoch has of it."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.checkpoint: dict[str, Any] = {}

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        if trainer.global_step == self.at:
            pl_module.on_save_checkpoint(self.checkpoint)


def test_a_checkpoint_has_the_sums_of_the_epoch_so_far(build, fit) -> None:
    data = TableDataModule(dataset=load_iris, batch_size=10)
    stops = Stops(13)
    model = build(data, lr=1e-12)
    fit(model, data, max_epochs=2, callbacks=[stops])
    sums = stops.checkpoint["epoch_sums"]
    # Ten steps an epoch: three of the second.
    assert (sums.shape, sums.dtype, sums[0, 1].item()) == ((1, 3), torch.float64, 30)
    assert 0.5 < sums[0, 0].item() / 30 < 2.5
    # The weights stay: of thirty rows about as many are labelled correctly as of all.
    assert 0 < sums[0, 2].item() <= 30
    other = build(data)
    other.trainer = L.Trainer(**BARE)
    again: dict[str, Any] = {}
    # One without them, as of a finished epoch, leaves them alone; so does one of fewer processes.
    for checkpoint in (stops.checkpoint, {}, {"epoch_sums": torch.empty(0, 3)}):
        other.on_load_checkpoint(checkpoint)
        other.on_save_checkpoint(again)
        assert torch.equal(again["epoch_sums"], sums)


def test_a_loss_that_is_not_finite_ends_the_training(build, fit) -> None:
    data = TableDataModule(dataset=load_diabetes, batch_size=50)
    with pytest.raises(DivergedError, match=r"the loss must stay finite, got (inf|nan) in epoch 0"):
        fit(build(data, lr=1e30), data, max_epochs=2)
    # A validation alone, of weights that are no numbers.
    model = build(data)
    nn.init.constant_(model.network[0].weight, torch.nan)
    with pytest.raises(DivergedError, match=r"got nan in epoch 0"):
        L.Trainer(**BARE).validate(model, datamodule=data)
    model.trainer = L.Trainer(**BARE)
    model.on_load_checkpoint({"epoch_sums": torch.tensor([[torch.inf, 10.0, 1.0]])})
    with pytest.raises(DivergedError, match=r"got inf in epoch 0"):
        model.on_save_checkpoint({})


@pytest.mark.parametrize(
    ("monitor", "settings", "expected"),
    [
        ("val/loss", {"check_val_every_n_epoch": 3}, 3),
        ("train/loss", {"check_val_every_n_epoch": 3}, 1),
        ("val/loss", {"check_val_every_n_epoch": None, "val_check_interval": 5}, 1),
    ],
)
def test_a_plateau_is_looked_for_where_there_is_a_new_value(
    build, fit, monitor: str, settings: dict[str, Any], expected: int
) -> None:
    data = TableDataModule(dataset=load_iris, batch_size=10)
    model = build(data, schedule=partial(schedules.plateau, monitor=monitor, mode="min"))
    (schedule,) = fit(model, data, max_epochs=1, **settings).lr_scheduler_configs
    assert (schedule.monitor, schedule.frequency, schedule.strict) == (monitor, expected, False)


def test_a_schedule_of_epochs_is_told_their_number_and_that_of_steps(build, fit) -> None:
    told: dict[str, Any] = {}

    def schedule(optimizer: torch.optim.Optimizer, **settings: Any) -> Any:
        told.update(settings)
        return schedules.cosine(optimizer, **settings)

    data = TableDataModule(dataset=load_iris, batch_size=10)
    model = build(data, schedule=schedule)
    fit(model, data, max_epochs=3)
    assert told == {"max_epochs": 3, "total_steps": 30}
    assert isinstance(told["total_steps"], int)
    assert isinstance(build(data).configure_optimizers(), torch.optim.SGD)


def test_noise_is_drawn_anew_in_every_epoch(fit) -> None:
    data = TableDataModule(dataset=load_iris, batch_size=None)
    drawn: list[float] = []

    class Draws(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, features: torch.Tensor) -> torch.Tensor:
            if self.training:
                drawn.append(torch.rand(()).item())
            outputs: torch.Tensor = self.layer(features)
            return outputs

    for _ in range(2):
        fit(MulticlassClassifier(network=Draws(), standardize=_standardize(data), seed=3), data, max_epochs=2)
    assert drawn[:2] == drawn[2:]
    assert drawn[0] != drawn[1]


def test_rows_are_predicted_alone_or_with_what_stands_beside_them(build) -> None:
    data = TableDataModule(dataset=load_iris)
    model = build(data).double().eval()
    features, target = _rows_of(data, "test")
    expected = model.predict(features)
    assert expected.probabilities is not None
    assert expected.probabilities.dtype == torch.float64
    for batch in (features, (features,), (features, target)):
        assert torch.equal(model.predict_step(batch, 0).probabilities, expected.probabilities)


def test_values_of_a_subclass_are_measured_over_all_rows(fit) -> None:
    class Counts(MulticlassClassifier):
        def metrics(self, outputs: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
            return super().metrics(outputs, target) | {"n_rows": torch.tensor(float(len(outputs)))}

    data = TableDataModule(dataset=load_iris, batch_size=4)
    model = Counts(network=nn.Linear(4, 3), standardize=_standardize(data))
    trainer = fit(model, data, max_epochs=1)
    assert trainer.callback_metrics["val/n_rows"].item() == len(data.split.val)
    trainer.test(model, datamodule=data, verbose=False)
    assert list(model.measured("test"))[-1] == "test/n_rows"
    assert model.measured("test")["test/n_rows"].item() == len(data.split.test)
    assert model.measured("train") == {}


def test_the_losses_of_training_are_compiled_in_the_mode_asked_for(build, monkeypatch: pytest.MonkeyPatch) -> None:
    model = build(TableDataModule(dataset=load_iris))
    features, target = torch.randn(6, 4), torch.tensor([0, 1, 2, 0, 1, 2])
    expected = model.row_losses(model.network(features), target)
    asked: list[str] = []

    def compile_it(losses: Any, *, mode: str) -> Any:
        asked.append(mode)

        def compiled(*batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            found, outputs = losses(*batch)
            return 2 * found, outputs

        return compiled

    monkeypatch.setattr(torch, "compile", compile_it)
    model.compile_losses(mode="reduce-overhead")
    losses, outputs = model._training_losses(features, target)
    assert torch.equal(losses, 2 * expected)
    assert torch.equal(outputs, model.network(features))
    assert not outputs.requires_grad
    assert asked == ["reduce-overhead"]


@pytest.mark.parametrize("load", [load_breast_cancer, load_iris])
def test_the_accuracy_of_training_is_that_of_all_rows(build, fit, load) -> None:
    data = TableDataModule(dataset=load, batch_size=10)
    model = build(data, lr=1e-12)
    logged = fit(model, data, max_epochs=1).callback_metrics
    features, target = _rows_of(data)
    expected = (model.predict(features).labels == target).float().mean()
    assert logged["train/acc"].item() == pytest.approx(expected.item())
    # Nothing of the kind without the task's metrics.
    assert "train/acc" not in fit(build(data, task_metrics=False), data, max_epochs=1).callback_metrics


def test_the_accuracy_of_members_in_training_is_that_of_their_mean(fit) -> None:
    data = TableDataModule(dataset=load_iris, batch_size=10)
    torch.manual_seed(0)
    model = MulticlassClassifier(
        network=Members(4, 3), standardize=_standardize(data), optimizer=partial(torch.optim.SGD, lr=1e-12)
    )
    logged = fit(model, data, max_epochs=1).callback_metrics
    features, target = _rows_of(data)
    expected = (model.eval().predict(features).labels == target).float().mean()
    assert logged["train/acc"].item() == pytest.approx(expected.item())
