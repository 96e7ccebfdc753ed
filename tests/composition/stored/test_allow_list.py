import json
from typing import Any

import pytest
import yaml

from perceptron.composition.stored.allow_list import check_trusted, is_allowed
from perceptron.errors import UsageError


@pytest.mark.parametrize(
    "target",
    [
        "lightning.Trainer",
        "optuna.pruners.HyperbandPruner",
        "lightning.pytorch.callbacks.ModelCheckpoint",
        "lightning.pytorch.loggers.TensorBoardLogger",
        "perceptron.callbacks.EpochProgress",
        "perceptron.data.TableDataModule",
        "perceptron.data.origin",
        "perceptron.models.MulticlassClassifier",
        "perceptron.models.schedules.onecycle",
        "perceptron.networks.MLP",
        "perceptron.runs.checkpoints.LastCheckpoint",
        "sklearn.datasets.make_moons",
        "torch.optim.AdamW",
        "torch.optim.lr_scheduler.StepLR",
        "perceptron.metrics.TaskMetrics",
        "torchmetrics.CohenKappa",
        "torchmetrics.classification.BinaryAUROC",
        "torchmetrics.regression.PearsonCorrCoef",
    ],
)
def test_building_blocks_are_allowed(target: str) -> None:
    assert is_allowed(target)


FORBIDDEN = [
    # They load models, or take others apart.
    "torchmetrics.BootStrapper",
    "torchmetrics.MetricTracker",
    "torchmetrics.text.BERTScore",
    "torchmetrics.multimodal.CLIPScore",
    "torchmetrics.functional.accuracy",
    "torchmetrics.utilities.dim_zero_cat",
    # Hydra's own bypasses: another name for a function that it forbids, and what it does not forbid.
    "builtins.eval",
    "builtins.exec",
    "builtins.open",
    "functools.partial",
    "getattr",
    "hydra.utils.call",
    "hydra.utils.get_method",
    "importlib.import_module",
    "joblib.load",
    "nt.system",
    "open",
    "optuna.create_study",
    "optuna.pruners.TYPE_CHECKING",
    "os.system",
    "posix.system",
    "runpy.run_path",
    "shutil.rmtree",
    "subprocess.Popen",
    "torch.hub.load",
    "torch.load",
    # Through the attributes of what is allowed.
    "lightning.pytorch.callbacks.model_checkpoint.shutil.rmtree",
    "lightning.pytorch.cli.LightningCLI",
    "perceptron.data.loaders.torch.load",
    "perceptron.data.datamodule.np.load",
    "perceptron.data.table.as_table.__globals__",
    "perceptron.models.TaskModule.load_from_checkpoint",
    "sklearn.datasets.load_iris.__globals__",
    "sklearn.datasets.os.system",
    "torch.optim.Any",
    "torch.optim.sgd.torch.hub.load",
    # The project's own, that do more than be built.
    "perceptron.__main__.main",
    "perceptron.composition.stored.allow_list.import_module",
    "perceptron.data.read",
    "perceptron.files.writing.write_text",
    # Writes what an address holds to any path.
    "sklearn.datasets.fetch_file",
    "",
    "sklearn.datasets.",
]


@pytest.mark.parametrize("target", FORBIDDEN)
def test_everything_else_is_forbidden(target: str) -> None:
    assert not is_allowed(target)
    for nested in (
        {"_target_": target},
        {"a": [{"b": {"_target_": "torch.optim.SGD", "_partial_": True, "params": {"_target_": target}}}]},
    ):
        with pytest.raises(UsageError, match="must not name code"):
            check_trusted(nested, where="x")


@pytest.mark.parametrize(
    "config",
    [
        {"_target_": ["os.system"]},
        {"_target_": {"_target_": "torch.optim.SGD"}},
        {"_target_": 1},
        {"_target_": "torch.optim.SGD", "_args_": ["x"]},
        {"_target_": "sklearn.datasets.fetch_california_housing", "data_home": "/tmp/pickles"},  # noqa: S108
        {"a": "${oc.env:HOME}"},
        {"${a}": 1},
    ],
)
def test_what_hides_is_refused(config: dict[str, Any]) -> None:
    for trust in ([], frozenset()):
        with pytest.raises(UsageError, match="stored configuration must"):
            check_trusted(config, where="x", trust=trust)


def test_an_alias_in_yaml_is_seen_through() -> None:
    config = yaml.safe_load("a: &evil {_target_: os.system}\nb: {c: *evil}")
    with pytest.raises(UsageError, match=r"os\.system"):
        check_trusted(config, where="x")


def test_the_user_may_add_names() -> None:
    config = json.loads('{"_target_": "my_networks.Wide", "_args_": [1]}')
    check_trusted(config, where="x", trust=["my_networks.Wide"])
    with pytest.raises(UsageError, match=r"if you know it, type 'trust=\[my_networks.Wide\]'"):
        check_trusted(config, where="x", trust=["my_networks.Deep"])


def test_all_names_that_need_trust_are_listed_at_once() -> None:
    mine = {"_target_": "my_models.Net", "inner": [{"_target_": "my_models.Part"}, {"_target_": "my_models.Net"}]}
    with pytest.raises(UsageError) as caught:
        check_trusted({"model": mine, "data": {"_target_": "my_data.Rows"}}, where="x", trust=["my_data.Rows"])
    assert str(caught.value) == (
        "a stored configuration must not name code that is not the project's, got _target_: my_models.Net and "
        "my_models.Part in x; if you know them, type 'trust=[my_models.Net,my_models.Part]'"
    )
