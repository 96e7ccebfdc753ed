import csv
import logging
import math
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
import torch.nn.functional as F
from lightning.pytorch.loggers import CSVLogger
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from torch import nn
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassCohenKappa

from perceptron.data import TableDataModule
from perceptron.errors import DivergedError
from perceptron.models import BinaryClassifier, MulticlassClassifier, Regressor, Standardize, TaskModule, schedules

pytestmark = pytest.mark.filterwarnings("ignore::lightning.fabric.utilities.warnings.PossibleUserWarning")
PLAIN = Standardize([0.0], [1.0])
BARE: dict[str, Any] = {
    "accelerator": "cpu", "logger": False, "enable_checkpointing": False, "enable_progress_bar": False,
    "enable_model_summary": False, "num_sanity_val_steps": 0, "log_every_n_steps": 0,
}  # fmt: skip


class Same(nn.Module):
    """Gives its input back: the features are the outputs."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features


def test_binary_loss_by_hand() -> None:
    module = BinaryClassifier(network=Same(), standardize=PLAIN)
    losses = module.row_losses(torch.tensor([[0.0], [math.log(3)]]), torch.tensor([1, 0]))
    # p = 1/2 and p = 3/4.
    torch.testing.assert_close(losses, torch.tensor([math.log(2), math.log(4)]))


def test_cross_entropy_by_hand_takes_whole_number_labels() -> None:
    module = MulticlassClassifier(network=Same(), standardize=PLAIN)
    outputs = torch.tensor([[1.0, 2.0, 4.0]]).log()
    torch.testing.assert_close(module.row_losses(outputs, torch.tensor([2])), torch.tensor([math.log(7 / 4)]))


def test_predicted_labels_follow_the_threshold_and_probabilities_sum_to_one() -> None:
    module = BinaryClassifier(network=Same(), standardize=PLAIN, threshold=0.8)
    labels, probabilities, _ = module.predict(torch.tensor([[math.log(3)], [math.log(9)]]))
    assert labels.tolist() == [0, 1]
    torch.testing.assert_close(probabilities, torch.tensor([[0.25, 0.75], [0.1, 0.9]]))


def test_multiclass_takes_the_largest_of_each_row() -> None:
    # The notebook's argmax without a dimension gives one number for the whole batch.
    labels, probabilities, _ = MulticlassClassifier(network=Same(), standardize=PLAIN).predict(
        torch.tensor([[3.0, 1.0], [0.0, 5.0], [2.0, 1.0]])
    )
    assert labels.tolist() == [0, 1, 0]
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(3))


def test_regression_reports_in_the_targets_units() -> None:
    module = Regressor(network=Same(), standardize=PLAIN, standardize_target=Standardize([100.0], [10.0]))
    outputs, target = torch.tensor([[1.0], [-1.0]]), torch.tensor([[115.0], [90.0]])
    assert module.predict(outputs).labels.tolist() == [[110.0], [90.0]]
    losses = module.row_losses(outputs, target)
    torch.testing.assert_close(losses, torch.tensor([0.25, 0.0]))
    assert module.loss_in_units(losses.mean()).item() == pytest.approx(12.5)
    assert module.metrics(outputs, target)["rmse"].item() == pytest.approx(math.sqrt(12.5))


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


def test_step_losses_are_logged_where_asked_for(build, fit, tmp_path) -> None:
    datamodule = TableDataModule(dataset=load_iris, batch_size=10)
    logger = CSVLogger(tmp_path)
    fit(build(datamodule), datamodule, max_epochs=1, logger=logger, log_every_n_steps=2)
    lines = [line.split(",") for line in (tmp_path / "lightning_logs/version_0/metrics.csv").read_text().splitlines()]
    column, step = lines[0].index("train/loss_step"), lines[0].index("step")
    assert [line[step] for line in lines[1:] if line[column]] == ["1", "3", "5", "7", "9"]


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


def _logged(folder: Path) -> list[dict[str, str]]:
    """Rows of a CSVLogger, without what they leave empty."""
    with (folder / "metrics.csv").open() as file:
        return [{name: text for name, text in row.items() if text} for row in csv.DictReader(file)]


@pytest.mark.parametrize("kind", [BinaryClassifier, MulticlassClassifier, Regressor])
def test_models_side_by_side_are_computed_as_each_alone(kind: type[TaskModule]) -> None:
    n_outputs = 1 if kind is BinaryClassifier else 3
    settings: dict[str, Any] = {"network": Same(), "standardize": PLAIN}
    if kind is Regressor:
        settings["standardize_target"] = Standardize([100.0, 0.0, 5.0], [10.0, 1.0, 2.0])
    if kind is MulticlassClassifier:
        settings["label_smoothing"] = 0.2
    model = kind(**settings)
    outputs = torch.randn(2, 5, 7, n_outputs)
    target = 50 * torch.randn(2, 5, 7, 3) if kind is Regressor else torch.randint(0, max(n_outputs, 2), (2, 5, 7))
    losses, predictions = model.row_losses(outputs, target), model.predictions(outputs)
    for i in range(2):
        for j in range(5):
            torch.testing.assert_close(losses[i, j], model.row_losses(outputs[i, j], target[i, j]))
            torch.testing.assert_close(predictions[i, j], model.predictions(outputs[i, j]))
    assert losses.shape == (2, 5, 7)
    one = outputs[0, 0]
    if kind is MulticlassClassifier:
        expected = F.cross_entropy(one, target[0, 0], reduction="none", label_smoothing=0.2)
        torch.testing.assert_close(predictions[0, 0], one.softmax(dim=1))
    elif kind is BinaryClassifier:
        expected = F.binary_cross_entropy_with_logits(one[:, 0], target[0, 0].float(), reduction="none")
        torch.testing.assert_close(predictions[0, 0], one[:, 0].sigmoid())
    else:
        scale, mean = torch.tensor([10.0, 1.0, 2.0]), torch.tensor([100.0, 0.0, 5.0])
        expected = (one - (target[0, 0] - mean) / scale).square().mean(dim=1)
        torch.testing.assert_close(predictions[0, 0], one * scale + mean)
        # In units of the mean variance.
        assert model.loss_in_units(torch.tensor(2.0)).item() == pytest.approx(2 * (100 + 1 + 4) / 3)
    torch.testing.assert_close(losses[0, 0], expected)


def test_the_labels_of_classes_are_not_smoothed_unless_asked_for() -> None:
    outputs, target = torch.randn(5, 3), torch.tensor([0, 1, 2, 0, 1])
    losses = MulticlassClassifier(network=Same(), standardize=PLAIN).row_losses(outputs, target)
    torch.testing.assert_close(losses, F.cross_entropy(outputs, target, reduction="none"))


@pytest.mark.parametrize("kind", [BinaryClassifier, MulticlassClassifier])
def test_the_mean_of_members_is_that_of_their_probabilities(kind: type[TaskModule]) -> None:
    model = kind(network=Same(), standardize=PLAIN)
    outputs = torch.randn(6, 4, 1 if kind is BinaryClassifier else 3)
    predicted, of_members = model.predict(outputs), model.predictions(outputs)
    if kind is BinaryClassifier:
        # (batch, members)
        torch.testing.assert_close(predicted.probabilities[:, 1], of_members.mean(dim=1))
        torch.testing.assert_close(predicted.spread, of_members.std(dim=1, correction=0))
        assert model.mean_of_members(outputs).shape == (6, 1)
    else:
        torch.testing.assert_close(predicted.probabilities, of_members.mean(dim=1))
        spread = [of_members[i, :, label].std(correction=0) for i, label in enumerate(predicted.labels)]
        torch.testing.assert_close(predicted.spread, torch.stack(spread))
        # Logarithms of probabilities, so that their cross-entropy is the loss of the mean.
        torch.testing.assert_close(model.mean_of_members(outputs).exp().sum(dim=1), torch.ones(6))
    assert predicted.labels.dtype == torch.int64


def test_the_mean_of_members_values_is_in_the_targets_units() -> None:
    target = Standardize([100.0, 0.0], [10.0, 2.0])
    model = Regressor(network=Same(), standardize=PLAIN, standardize_target=target)
    labels, probabilities, spread = model.predict(torch.tensor([[[1.0, 2.0], [3.0, -2.0]]]))
    assert labels.tolist() == [[120.0, 0.0]]
    assert spread is not None
    assert spread.tolist() == [[10.0, 4.0]]
    assert probabilities is None


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


class LogsSteps(MulticlassClassifier):
    """Logs something of its own at every step and after every epoch."""

    def training_step(self, batch: tuple[torch.Tensor, ...], batch_idx: int) -> torch.Tensor | None:
        self.log("own_step", float(batch_idx))
        self.log("own_epoch", float(batch_idx), on_step=False, on_epoch=True)
        return super().training_step(batch, batch_idx)

    def on_validation_epoch_end(self) -> None:
        self.log("val/own", 7.0)
        super().on_validation_epoch_end()


def _logs_steps(data: TableDataModule) -> LogsSteps:
    torch.manual_seed(0)
    return LogsSteps(network=nn.Linear(4, 3), standardize=_standardize(data))


def test_what_is_logged_at_steps_in_vain_is_told_once(fit, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = TableDataModule(dataset=load_iris, batch_size=10)
    with caplog.at_level(logging.WARNING):
        fit(_logs_steps(data), data, max_epochs=2, logger=CSVLogger(tmp_path))
    assert [text for text in caplog.messages if "own" in text] == [
        "own_step is logged at steps, and trainer.log_every_n_steps=0 keeps steps out of the loggers; set "
        "trainer.log_every_n_steps=1, or log it with on_step=False and on_epoch=True"
    ]


def test_an_epochs_metrics_stand_in_the_loggers_under_its_last_step(fit, tmp_path: Path) -> None:
    data = TableDataModule(dataset=load_iris, batch_size=10)
    model = _logs_steps(data)
    trainer = fit(model, data, max_epochs=2, log_every_n_steps=5, logger=CSVLogger(tmp_path, name="", version=""))
    loaders = {split: data.eval_dataloader(split) for split in ("train", "test")}
    trainer.test(model, loaders, verbose=False)
    rows = _logged(tmp_path)
    of_steps = [row for row in rows if "train/loss_step" in row]
    assert [row["step"] for row in of_steps] == ["4", "9", "14", "19"]
    validated = [row for row in rows if "val/loss" in row]
    assert [(row["step"], row["epoch"], row["val/own"]) for row in validated] == [("9", "0", "7.0"), ("19", "1", "7.0")]
    trained = [row for row in rows if "train/loss" in row]
    assert [(row["step"], row["epoch"]) for row in trained] == [("9", "0"), ("19", "1")]
    # Of ten steps, the last of which has 7 rows.
    of_epoch = sum(step * 10 for step in range(9)) + 9 * 7
    assert [float(row["own_epoch"]) for row in trained] == [pytest.approx(of_epoch / 97)] * 2
    tested = [row for row in rows if "test/loss" in row]
    assert [row["step"] for row in tested] == ["20"]
    # What evaluates the training rows would end the curves of their epochs.
    assert [row["step"] for row in rows if "train/acc" in row] == ["9", "19"]
    assert not any("train/f1" in row for row in rows)
    assert trainer.callback_metrics.keys() >= {"train/acc", "train/f1", "test/f1"}


def test_the_evaluation_before_a_training_is_no_row_of_its_loggers(fit, tmp_path: Path) -> None:
    data = TableDataModule(dataset=load_iris, batch_size=10)
    logger = CSVLogger(tmp_path, name="", version="")
    fit(_logs_steps(data), data, max_epochs=1, num_sanity_val_steps=1, logger=logger)
    assert [row["step"] for row in _logged(tmp_path) if "val/loss" in row] == ["9"]


def test_a_barebones_trainer_is_told_nothing(build) -> None:
    data = TableDataModule(dataset=load_iris, batch_size=10)
    model = build(data)
    trainer = L.Trainer(accelerator="cpu", barebones=True, max_epochs=1)
    trainer.fit(model, datamodule=data)
    assert trainer.callback_metrics == {}


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


@pytest.mark.parametrize("kind", [BinaryClassifier, MulticlassClassifier])
def test_correct_rows_are_those_whose_label_is_the_target(kind: type[TaskModule]) -> None:
    settings: dict[str, Any] = {"threshold": 0.3} if kind is BinaryClassifier else {}
    model = kind(network=Same(), standardize=PLAIN, **settings)
    outputs = torch.randn(2, 50, 1 if kind is BinaryClassifier else 3)
    target = torch.randint(0, 2 if kind is BinaryClassifier else 3, (2, 50))
    correct = model.correct(outputs, target)
    assert correct is not None
    for i in range(2):
        assert torch.equal(correct[i], model.predict(outputs[i]).labels == target[i])
    regressor = Regressor(network=Same(), standardize=PLAIN, standardize_target=PLAIN)
    assert regressor.correct(torch.randn(5, 1), torch.randn(5, 1)) is None
