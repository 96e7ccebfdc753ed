import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.utils import Bunch

from perceptron.data import TableDataModule
from perceptron.errors import UsageError


def _changed(load, rows: np.ndarray):
    """The data set with other values in these rows."""

    def changed() -> Bunch:
        bunch = load()
        bunch.data = bunch.data.copy()
        bunch.data[rows] += 1000
        return bunch

    return changed


@pytest.mark.parametrize("held_out", ["val", "test"])
@pytest.mark.parametrize("standardize", ["per_feature", "global"])
def test_held_out_rows_change_no_fitted_number(held_out: str, standardize) -> None:
    plain = TableDataModule(dataset=load_iris, standardize=standardize)
    other = TableDataModule(dataset=_changed(load_iris, plain.split.rows(held_out)), standardize=standardize)
    np.testing.assert_array_equal(plain.features_scaling.mean, other.features_scaling.mean)
    np.testing.assert_array_equal(plain.features_scaling.scale, other.features_scaling.scale)


def test_training_rows_do_change_it() -> None:
    plain = TableDataModule(dataset=load_iris)
    other = TableDataModule(dataset=_changed(load_iris, plain.split.train[:1]))
    assert (plain.features_scaling.mean != other.features_scaling.mean).all()


def test_held_out_targets_change_no_fitted_number() -> None:
    plain = TableDataModule(dataset=load_diabetes)

    def changed() -> Bunch:
        bunch = load_diabetes()
        bunch.target[plain.split.test] += 1000
        return bunch

    other = TableDataModule(dataset=changed)
    assert plain.target_scaling is not None
    assert other.target_scaling is not None
    assert plain.target_scaling.mean == other.target_scaling.mean


def test_the_models_seed_keeps_the_rows_and_the_split_seed_changes_them() -> None:
    first = TableDataModule(dataset=load_iris)
    seed, split = TableDataModule(dataset=load_iris, seed=1), TableDataModule(dataset=load_iris, split_seed=1)
    assert np.array_equal(first.split.test, seed.split.test)
    assert not np.array_equal(first.split.test, split.split.test)


def test_loaders_give_raw_rows_in_the_tables_order() -> None:
    datamodule = TableDataModule(dataset=load_breast_cancer, eval_batch_size=50)
    batches = list(datamodule.test_dataloader())
    assert [len(target) for _, target in batches] == [50, 50, 14]
    features = torch.cat([features for features, _ in batches])
    expected = load_breast_cancer().data[datamodule.split.test].astype(np.float32)
    np.testing.assert_array_equal(features.numpy(), expected)


def test_without_held_out_rows_there_are_no_loaders_for_them() -> None:
    datamodule = TableDataModule(dataset=load_iris, val_fraction=0, test_fraction=0)
    assert datamodule.val_dataloader() == []
    assert datamodule.test_dataloader() == []
    with pytest.raises(UsageError, match=r"split=test must have rows, got none; set data\.test_fraction above 0"):
        datamodule.eval_dataloader("test")


def test_worker_processes_give_the_same_batches() -> None:
    one, several = (TableDataModule(dataset=load_iris, num_workers=workers) for workers in (0, 1))
    for (a, _), (b, _) in zip(one.train_dataloader(), several.train_dataloader(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_balanced_classes_weigh_alike() -> None:
    target = np.arange(200) % 10 == 0
    data = TableDataModule(
        dataset=lambda: (np.zeros((200, 1)), target.astype(int)), class_weights="balanced", batch_size=None
    )
    ((_, labels, weights),) = data.train_dataloader()
    assert weights.mean().item() == pytest.approx(1)
    assert weights[labels == 1].sum().item() == pytest.approx(weights[labels == 0].sum().item())


def test_balanced_sampling_is_of_training_rows_alone() -> None:
    def rare() -> tuple[np.ndarray, np.ndarray]:
        return np.arange(200.0)[:, None], (np.arange(200) % 10 == 0).astype(int)

    data = TableDataModule(dataset=rare, sampling="balanced", batch_size=20)
    drawn = [torch.cat(columns) for columns in zip(*data.train_dataloader(), strict=True)]
    assert len(drawn) == 2
    assert torch.bincount(drawn[1]).tolist() == [65, 65]
    assert set(drawn[0].flatten().tolist()) <= set(data.split.train.astype(float).tolist())
    plain = TableDataModule(dataset=rare, batch_size=20)
    for split in ("train", "val", "test"):
        for one, other in zip(data.rows(split), plain.rows(split), strict=True):
            assert torch.equal(one, other)


@pytest.mark.parametrize("setting", ["sampling", "class_weights"])
def test_a_regression_has_no_classes_to_balance(setting: str) -> None:
    with pytest.raises(UsageError, match=f"data.{setting}=balanced needs classes, got a continuous target"):
        TableDataModule(dataset=load_diabetes, **{setting: "balanced"}).setup()


def test_a_split_is_no_copy_of_its_rows() -> None:
    features, target = load_iris(return_X_y=True)
    features = features.astype(np.float32)
    features.flags.writeable = False
    datamodule = TableDataModule(dataset=lambda: (features, target), batch_size=None)
    held = datamodule.train_dataloader().dataset.tensors[0]
    assert held.data_ptr() == features.ctypes.data
    ((batch, labels),) = datamodule.train_dataloader()
    np.testing.assert_array_equal(batch.numpy(), features[datamodule.split.train])
    np.testing.assert_array_equal(labels.numpy(), target[datamodule.split.train])
