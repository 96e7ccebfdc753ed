import math

import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from torch import nn
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassCohenKappa

from perceptron.data import TableDataModule
from perceptron.models import BinaryClassifier, MulticlassClassifier, Regressor, Standardize

pytestmark = pytest.mark.filterwarnings("ignore::lightning.fabric.utilities.warnings.PossibleUserWarning")
PLAIN = Standardize([0.0], [1.0])


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
    from lightning.pytorch.loggers import CSVLogger

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
