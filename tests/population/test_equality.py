import itertools
from pathlib import Path

import pytest
from tests.population.comparing import assert_same_jobs, both

from perceptron.runs.checkpoints.checkpoint_file import read_checkpoint

# Two seeds and two folds, one of which has a row more in its last batch of an epoch, by two of something else.
FOLDS = [{"seed": seed, "data.fold": fold} for seed in (0, 1) for fold in (0, 3)]
WINE = ["data=wine", "model=digits_mlp", "model.network.hidden=[20]", "data.folds=5", "data.fold=0"]
RATES: list[dict[str, object]] = [{"optimizer.lr": 0.02}, {"optimizer.lr": 0.1}]
SMALL_RATES: list[dict[str, object]] = [{"optimizer.lr": 0.002}, {"optimizer.lr": 0.01}]
CASES: dict[str, tuple[list[str], list[dict[str, object]]]] = {
    "sgd": (["optimizer=sgd"], RATES),
    "momentum": (
        ["optimizer=sgd_momentum"],
        [{"optimizer.momentum": 0.9, "optimizer.weight_decay": 0.01}, {"optimizer.momentum": 0.5}],
    ),
    "adam": (["optimizer=adam"], SMALL_RATES),
    "adamw": (["optimizer=adamw"], [{"optimizer.weight_decay": 0.1}, {"optimizer.betas": [0.8, 0.99]}]),
    "clipped_norm": (["optimizer=sgd"], [{"trainer.gradient_clip_val": limit} for limit in (0.02, 0.5, None, 0)]),
    "clipped_values": (
        ["optimizer=adamw", "trainer.gradient_clip_algorithm=value"],
        [{"trainer.gradient_clip_val": limit} for limit in (0.001, 0.02)],
    ),
    "rmsprop": (
        ["optimizer=rmsprop", "+optimizer.momentum=0.5"],
        [{"optimizer.lr": rate, "optimizer.momentum": share} for rate, share in ((0.001, 0.5), (0.002, 0.0))],
    ),
    "adagrad": (["optimizer=adagrad"], SMALL_RATES),
    "nadam": (["optimizer=nadam", "scheduler=onecycle"], SMALL_RATES),
    "radam": (["optimizer=radam", "scheduler=plateau", "scheduler.patience=0"], SMALL_RATES),
    "adamax": (["optimizer=rmsprop", "optimizer._target_=torch.optim.Adamax", "+optimizer.foreach=true"], SMALL_RATES),
    "amsgrad": (["optimizer=adam", "+optimizer.amsgrad=true"], SMALL_RATES),
    # 5 batches of one fold, 6 of the other: the last step of an epoch has fewer, or is one that the other has not.
    "accumulated": (["optimizer=adamw", "trainer.accumulate_grad_batches=3", "data.batch_size=23"], SMALL_RATES),
    "accumulated_sgd": (["optimizer=sgd", "trainer.accumulate_grad_batches=5", "data.batch_size=23"], RATES),
    "accumulated_onecycle": (["scheduler=onecycle", "trainer.accumulate_grad_batches=2", "data.batch_size=23"], RATES),
    "two_monitors": (
        [
            "optimizer=adam",
            "trainer.max_epochs=12",
            "monitor=val/acc",
            "+callbacks.second={_target_:lightning.pytorch.callbacks.ModelCheckpoint,dirpath:'${paths.output_dir}/checkpoints',"
            "filename:by_loss,monitor:val/loss,mode:min,enable_version_counter:false}",
            "callbacks.checkpoint.save_top_k=1",
            "+callbacks.patient={_target_:lightning.pytorch.callbacks.EarlyStopping,monitor:train/loss,patience:2,min_delta:0.1}",
        ],
        [{"optimizer.lr": 0.03, "callbacks.early_stopping.patience": patience} for patience in (2, 9)],
    ),
    "several_checkpoints": (
        ["optimizer=sgd", "trainer.max_epochs=12", "callbacks.checkpoint.save_top_k=3"],
        [{"optimizer.lr": 0.1}, {"optimizer.lr": 0.9}],
    ),
    "checkpoints_with_names": (
        [
            "optimizer=adam",
            "trainer.max_epochs=9",
            "callbacks.checkpoint.save_top_k=2",
            "callbacks.checkpoint.filename='{epoch}-{val/acc:.2f}-{train/loss:.1f}'",
            "+callbacks.checkpoint.every_n_epochs=2",
        ],
        [{"optimizer.lr": 0.03}],
    ),
    "no_best": (["callbacks.checkpoint.save_top_k=0"], RATES),
    "validation": (["optimizer=sgd", "trainer.check_val_every_n_epoch=2", "trainer.max_epochs=5"], RATES),
    "validation_plateau": (
        ["scheduler=plateau", "scheduler.patience=0", "trainer.check_val_every_n_epoch=3", "trainer.max_epochs=6"],
        [{"optimizer.lr": 0.9}],
    ),
    "validation_early_stopping": (
        ["optimizer=adam", "trainer.max_epochs=20", "trainer.check_val_every_n_epoch=2"],
        [{"optimizer.lr": 0.03, "callbacks.early_stopping.patience": patience} for patience in (1, 2)],
    ),
    "validation_never": (["trainer.check_val_every_n_epoch=9", "trainer.max_epochs=2"], RATES),
    "validation_train_loss": (
        ["monitor=train/loss", "trainer.check_val_every_n_epoch=2", "trainer.max_epochs=4", "scheduler=plateau"],
        RATES,
    ),
    # 4 batches an epoch: within the third, and at its end.
    **{
        f"max_steps_{count}": (["optimizer=sgd", f"trainer.max_steps={count}", "trainer.max_epochs=9"], RATES)
        for count in (10, 12)
    },
    "max_steps_beyond": (["optimizer=adam", "trainer.max_steps=900"], SMALL_RATES),
    "max_steps_onecycle": (["scheduler=onecycle", "trainer.max_steps=10", "trainer.max_epochs=9"], RATES),
    "max_steps_cosine": (["scheduler=cosine", "trainer.max_steps=10", "trainer.max_epochs=9"], RATES),
    "max_steps_plateau": (
        ["scheduler=plateau", "scheduler.patience=0", "trainer.max_steps=10", "trainer.max_epochs=9"],
        [{"optimizer.lr": 0.9}],
    ),
    # One of 5 batches an epoch, the other of 6: some end within an epoch, others at its end.
    "max_steps_unequal": (
        ["optimizer=sgd", "trainer.max_steps=12", "data.batch_size=23", "trainer.max_epochs=9"],
        [{"optimizer.lr": 0.1, "callbacks.early_stopping.patience": patience} for patience in (1, 3)],
    ),
    "max_steps_accumulated": (
        [
            "optimizer=sgd_momentum",
            "trainer.max_steps=5",
            "trainer.accumulate_grad_batches=2",
            "data.batch_size=23",
            "trainer.max_epochs=9",
        ],
        RATES,
    ),
    "max_steps_validation": (
        [
            "optimizer=sgd",
            "trainer.max_steps=18",
            "trainer.check_val_every_n_epoch=2",
            "trainer.max_epochs=9",
            "monitor=train/loss",
        ],
        RATES,
    ),
    "max_steps_train_loss": (["monitor=train/loss", "trainer.max_steps=10", "trainer.max_epochs=9"], RATES),
    "flags_without_effect": (
        [
            "trainer.benchmark=true",
            "trainer.enable_autolog_hparams=false",
            "trainer.inference_mode=false",
            "trainer.limit_predict_batches=2",
            "trainer.num_sanity_val_steps=2",
            "trainer.reload_dataloaders_every_n_epochs=2",
            "trainer.sync_batchnorm=true",
            "trainer.use_distributed_sampler=true",
        ],
        RATES,
    ),
    "cosine": (["optimizer=sgd", "scheduler=cosine"], RATES),
    "onecycle": (["optimizer=adam", "scheduler=onecycle"], SMALL_RATES),
    "plateau": (["optimizer=sgd", "scheduler=plateau", "scheduler.patience=0"], [{"optimizer.lr": 0.9}]),
    "early_stopping": (
        ["optimizer=adam", "trainer.max_epochs=12"],
        [{"optimizer.lr": 0.03, "callbacks.early_stopping.patience": patience} for patience in (1, 3)],
    ),
    "early_stopping_sgd": (
        ["optimizer=sgd", "trainer.max_epochs=20"],
        [{"optimizer.lr": 0.1, "callbacks.early_stopping.patience": patience} for patience in (1, 3)],
    ),
    "early_stopping_soon": (
        ["optimizer=sgd", "trainer.max_epochs=10"],
        [{"optimizer.lr": 0.1, "callbacks.early_stopping.patience": patience} for patience in (0, 1)],
    ),
    "dropout": (["optimizer=sgd"], [{"model.network.dropout": rate} for rate in (0.1, 0.4)]),
    "label_smoothing": (["optimizer=sgd"], [{"model.label_smoothing": share} for share in (0.0, 0.1)]),
    "regression": (["data=diabetes", "model=regression_mlp", "model.network.hidden=[20]"], [{"optimizer.lr": 0.02}]),
    "far_target": (
        ["data=regression", "+data.dataset.bias=1e6", "model=regression_mlp", "model.network.hidden=[20]"],
        [{"optimizer.lr": 0.02}],
    ),
    "binary": (["data=breast_cancer", "model=binary_mlp"], [{"model.threshold": share} for share in (0.3, 0.5)]),
    "threshold": (["data=breast_cancer", "model=binary_mlp", "model.threshold=auto"], RATES),
    "class_weights": (
        ["data=breast_cancer", "model=binary_mlp"],
        [{"data.class_weights": how} for how in ("balanced", "none")],
    ),
    "sampling": (["data=breast_cancer", "model=binary_mlp"], [{"data.sampling": how} for how in ("balanced", "none")]),
    "double": (["optimizer=adam", "trainer.precision=64-true"], SMALL_RATES),
    "no_validation": (["data.val_fraction=0"], RATES),
    "no_checkpoint": (["callbacks=none"], RATES),
}


# Lightning says it of a job alone that has no validation rows.
@pytest.mark.filterwarnings("ignore:Total length of")
@pytest.mark.parametrize("case", CASES)
def test_members_equal_the_jobs_alone(tmp_path: Path, case: str) -> None:
    overrides, others = CASES[case]
    variations = [fold | other for fold, other in itertools.product(FOLDS, others)]
    assert_same_jobs(*both(tmp_path, [*WINE, *overrides], variations))


# In single precision the networks have no ReLU, whose gradient jumps at 0: where rounding moves a unit across it, a job
# ends with other weights. Disturb the first weights of a job alone by 1e-7 (seed 1, fold 2, SGD at a rate of 0.1), and
# one of four ends with weights that differ by 2.8e-3 and an average precision that differs by 1.2e-4, the numbers by
# which that job differs beside others. With Adam, which divides by gradients near 0, weights differ by up to half of
# the largest; without ReLU, no job stops early in a few epochs. These are compared in double precision alone.
IN_BOTH = ("sgd", "momentum", "adamw", "cosine")
IN_DOUBLE = ("adam", "early_stopping_sgd", "early_stopping_soon")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "precision"),
    [*itertools.product(IN_BOTH, ("32-true", "64-true")), *itertools.product(IN_DOUBLE, ("64-true",))],
)
def test_32_jobs_equal_the_jobs_alone(tmp_path: Path, case: str, precision: str) -> None:
    overrides, others = CASES[case]
    variations = [
        {"seed": seed, "data.fold": fold} | other for seed, fold, other in itertools.product(range(4), range(4), others)
    ]
    assert len(variations) == 32
    activation = "relu" if precision == "64-true" else "silu"
    settings = [*overrides, "data=digits", "model.network.hidden=[100,100]", f"model.network.activation={activation}"]
    settings.append(f"trainer.precision={precision}")
    alone, together = both(tmp_path, [*WINE, *settings], variations)
    assert_same_jobs(alone, together)
    if case.startswith("early_stopping"):
        lengths = {read_checkpoint(path)["epoch"] for path in together.glob("*/checkpoints/last.ckpt")}
        assert len(lengths) > 1
