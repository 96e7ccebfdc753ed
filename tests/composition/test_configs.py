"""Every YAML composes, passes the checks and trains a batch."""

from functools import partial
from pathlib import Path

import pytest
import yaml
from tests.data import downloads

from perceptron.composition.run import run_once
from perceptron.composition.settings.checks import check
from perceptron.composition.settings.conf_folder import CONF_DIR

# Composed through the options that name them.
ROOT = Path(__file__).parent.parent.parent
_PARTS = {"train.yaml", "data/_base.yaml", "paths/default.yaml", "hydra/default.yaml"}
_NEEDS_DEVICES = {"trainer/gpu.yaml", "trainer/mps.yaml", "trainer/ddp.yaml"}
# Tested with processes of its own, in tests/system.
_NEEDS_PROCESSES = {"trainer/ddp_sim.yaml"}
FILES = sorted(path.relative_to(CONF_DIR).as_posix() for path in CONF_DIR.rglob("*.yaml"))
OPTIONS = [file for file in FILES if file not in _PARTS]
# A model that the data of the file goes with.
_MODELS = {"binary": "logistic", "multiclass": "softmax", "regression": "linear"}
_TASKS = {
    "blobs": "multiclass", "california_housing": "regression", "covtype": "multiclass", "kddcup99": "multiclass",
    "openml": "multiclass", "diabetes": "regression", "digits": "multiclass", "iris": "multiclass",
    "linnerud": "regression",
    "origin": "regression", "regression": "regression", "wine": "multiclass",
}  # fmt: skip


def _overrides(file: str) -> list[str]:
    group, _, name = file.removesuffix(".yaml").rpartition("/")
    typed = [f"{group}={name}"]
    if group == "data":
        typed.append(f"model={_MODELS[_TASKS.get(name, 'binary')]}")
    if file == "data/openml.yaml":
        typed.append("data.dataset.data_id=61")
    if file == "data/table.yaml":
        return [*typed[:1], "model=auto", f"data.path={ROOT / 'tests/data/own.csv'}", "data.target=spends"]
    if file == "data/arrays.yaml":
        arrays = [f"data.{name}={ROOT / f'tests/data/{name}.npy'}" for name in ("features", "target")]
        return [*typed[:1], "model=auto", *arrays, "data.block_size=10"]
    if group in ("hydra/sweeper/pruner", "hydra/sweeper/sampler"):
        typed.insert(0, "hydra/sweeper=optuna")
    if file == "model/sklearn.yaml":
        typed.append("model.estimator._target_=sklearn.naive_bayes.GaussianNB")
    if file == "callbacks/descent.yaml":
        typed.append("model=point")
    return typed


def test_there_are_configurations() -> None:
    assert len(OPTIONS) > 35
    assert set(FILES) >= _PARTS | _NEEDS_DEVICES | _NEEDS_PROCESSES


@pytest.mark.parametrize("file", OPTIONS)
def test_it_composes_and_passes_the_checks(file: str, composed) -> None:
    cfg, _ = composed(*_overrides(file))
    check(cfg)


@pytest.fixture
def downloaded(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What scikit-learn would have downloaded, small, where it looks for it."""
    home = tmp_path_factory.mktemp("data_home")
    for make in (downloads.california, downloads.covtype, downloads.kddcup, partial(downloads.openml, data_id=61)):
        make(home)
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(home))


# Packages that a logger's option needs, which the extra dev leaves out.
_PACKAGES = {"logger/mlflow.yaml": "mlflow", "logger/wandb.yaml": "wandb"}


@pytest.mark.usefixtures("downloaded")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("file", [file for file in OPTIONS if file not in _NEEDS_DEVICES | _NEEDS_PROCESSES])
def test_it_trains_a_batch(file: str, composed, tmp_path: Path, capsys) -> None:
    if file in _PACKAGES:
        pytest.importorskip(_PACKAGES[file])
    cfg, chosen = composed(*_overrides(file), "trainer.max_epochs=1", "trainer.limit_train_batches=1")
    run_once(cfg, chosen)
    assert (tmp_path / "metrics.json").is_file()
    assert str(tmp_path) in capsys.readouterr().out


def test_data_stands_before_model_so_that_a_model_can_select_its_data() -> None:
    primary = yaml.safe_load((CONF_DIR / "train.yaml").read_text(encoding="utf-8"))
    groups = [next(iter(entry)) for entry in primary["defaults"] if isinstance(entry, dict)]
    assert groups.index("data") < groups.index("model")


@pytest.mark.parametrize(
    ("typed", "data"),
    [
        ((), "breast_cancer"),
        (("model=digits_mlp",), "digits"),
        (("model=digits_mlp", "data=iris"), "iris"),
        (("data=iris", "model=digits_mlp"), "iris"),
        (("model=linear",), "diabetes"),
    ],
)
def test_a_model_selects_its_data_and_an_explicit_one_wins(typed, data: str, composed) -> None:
    assert composed(*typed)[1]["data"] == data


@pytest.mark.parametrize(
    ("typed", "monitor", "mode"),
    [
        ((), "val/loss", "min"),
        (("data.val_fraction=0",), "train/loss", "min"),
        (("monitor=val/acc",), "val/acc", "max"),
    ],
)
def test_the_monitor_is_named_once(typed, monitor: str, mode: str, composed) -> None:
    cfg, _ = composed(*typed, "scheduler=plateau")
    for part in (cfg, cfg.callbacks.checkpoint, cfg.callbacks.early_stopping, cfg.scheduler):
        assert (part.monitor, part.mode) == (monitor, mode)


def test_a_part_with_a_metric_of_its_own_has_its_direction(composed) -> None:
    cfg, _ = composed("callbacks.early_stopping.monitor=val/auroc", "scheduler=plateau", "scheduler.monitor=val/f1")
    check(cfg)
    modes = (cfg.mode, cfg.callbacks.checkpoint.mode, cfg.callbacks.early_stopping.mode, cfg.scheduler.mode)
    assert modes == ("min", "min", "max", "max")


def test_experiments_win_over_the_roots_values(composed) -> None:
    cfg, _ = composed("experiment=notebook_digits")
    assert (cfg.task_name, cfg.trainer.max_epochs, cfg.data.batch_size) == ("notebook_digits", 1000, None)


def test_counts_of_features_and_classes_stand_in_no_yaml() -> None:
    for file in (CONF_DIR / "model").glob("*.yaml"):
        assert not {"n_features", "n_outputs", "n_classes"} & set(
            file.read_text(encoding="utf-8").replace(":", " ").split()
        )
