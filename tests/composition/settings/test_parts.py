"""A part takes the arguments of its target: what falls away with another target, and what is said of the rest."""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from tests.composition.command_lines import check_command_line

from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.composition.settings.job_settings import job_settings
from perceptron.composition.settings.plain import plain
from perceptron.errors import UsageError

RMSPROP = "optimizer._target_=torch.optim.RMSprop"
PLATEAU = "scheduler._target_=torch.optim.lr_scheduler.ReduceLROnPlateau"
OWN = """
from torch.optim import SGD


class Fixed(SGD):
    def __init__(self, params, width: int, shape: float = 1.0):
        super().__init__(params, lr=0.1)


class Anything(SGD):
    def __init__(self, params, **settings):
        super().__init__(params, lr=settings["lr"])
"""


def settled(*typed: str) -> dict[str, Any]:
    """The plain settings with which these arguments train."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        config = compose("train", overrides=list(typed), return_hydra_config=True)
        with job_settings(config, in_multirun=False) as cfg:
            return plain(cfg)


def named(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if not name.startswith("_")}


@pytest.fixture
def own_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "own_optimizers.py").write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("own_optimizers", None)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["optimizer=adam", "optimizer.amsgrad=true"],
         {"lr": 0.001, "weight_decay": 0.0, "betas": [0.9, 0.999], "eps": 1e-8, "amsgrad": True}),
        ([RMSPROP, "optimizer.alpha=0.9"], {"lr": 0.05, "weight_decay": 0.0, "momentum": 0.0, "alpha": 0.9}),
        ([RMSPROP, "+optimizer.alpha=0.9"], {"lr": 0.05, "weight_decay": 0.0, "momentum": 0.0, "alpha": 0.9}),
        # The option's own settings fall away as the class's defaults do.
        (["optimizer=sgd_momentum", RMSPROP], {"lr": 0.01, "weight_decay": 0.0, "momentum": 0.9}),
        (["optimizer._target_=torch.optim.LBFGS"], {"lr": 0.05}),
        # eps is a pair there.
        (["optimizer=adam", "optimizer._target_=torch.optim.Adafactor"], {"lr": 0.001, "weight_decay": 0.0}),
    ],
)  # fmt: skip
def test_defaults_that_another_optimizer_does_not_take_fall_away(typed: list[str], expected: dict[str, Any]) -> None:
    assert named(settled(*typed)["optimizer"]) == expected


def test_a_typed_setting_never_falls_away() -> None:
    with pytest.raises(UsageError, match=r"^there is no setting optimizer.nesterov; "):
        check_command_line(["optimizer=sgd_momentum", RMSPROP, "optimizer.nesterov=true"])


@pytest.mark.parametrize("option", ["none", "cosine", "plateau"])
def test_a_schedule_that_follows_a_metric_follows_the_runs(option: str) -> None:
    scheduler = settled(f"scheduler={option}", PLATEAU, "monitor=val/acc")["scheduler"]
    assert (scheduler["monitor"], scheduler["mode"]) == ("val/acc", "max")


def test_the_mode_is_that_of_the_metric_that_is_typed() -> None:
    scheduler = settled(PLATEAU, "scheduler.monitor=val/acc")["scheduler"]
    assert (scheduler["monitor"], scheduler["mode"]) == ("val/acc", "max")


@pytest.mark.usefixtures("own_parts")
def test_ones_own_optimizer_is_checked_by_its_signature() -> None:
    own = "optimizer._target_=own_optimizers.Fixed"
    assert named(settled(own, "optimizer.width=3")["optimizer"]) == {"width": 3}
    for typed, line in [
        ([], "optimizer.width is required; type optimizer.width=<value>"),
        (["optimizer.width=x"], "optimizer.width must be a whole number, got 'x'; set optimizer.width"),
        (["optimizer.wdith=3"], "there is no setting optimizer.wdith; did you mean optimizer.width?"),
    ]:
        with pytest.raises(UsageError) as caught:
            check_command_line([own, *typed])
        assert str(caught.value) == line


@pytest.mark.usefixtures("own_parts")
def test_one_that_takes_anything_gets_anything() -> None:
    own = "optimizer._target_=own_optimizers.Anything"
    assert named(settled(own, "optimizer.width=3")["optimizer"]) == {"width": 3}
    check_command_line([own, "optimizer.width=3"])


def test_a_misspelt_class_of_torch_is_named() -> None:
    with pytest.raises(UsageError, match=r"^there is no torch.optim.RMSProp; did you mean torch.optim.RMSprop\?$"):
        check_command_line(["optimizer._target_=torch.optim.RMSProp"])


@pytest.mark.parametrize(
    ("sweep", "line"),
    [
        (["optimizer._target_=torch.optim.RMSprop,torch.optim.LBFGS"], None),
        (["optimizer._target_=torch.optim.RMSprop,torch.optim.SGD", "optimizer.momentum=0.9"], None),
        (["optimizer._target_=torch.optim.RMSprop,torch.optim.SGD", "optimizer.alpha=0.9"], "there is no setting"),
        ([RMSPROP, "optimizer.alpha=0.9,x"], "optimizer.alpha must be a number"),
        (["scheduler=step,exponential", "scheduler.gamma=0.5,0.9"], None),
    ],
)
def test_every_value_of_a_sweep_is_checked(sweep: list[str], line: str | None) -> None:
    if line is None:
        check_command_line(["-m", *sweep])
    else:
        with pytest.raises(UsageError, match=f"^{line}"):
            check_command_line(["-m", *sweep])


@pytest.mark.slow
def test_a_sweep_over_optimizers_in_a_population(tmp_path: Path, perceptron: Callable[..., Any]) -> None:
    answer = perceptron(
        "train", "-m", f"hydra.sweep.dir={tmp_path / 'sweep'}", "hydra/launcher=population", "data=iris",
        "model=softmax", "trainer.max_epochs=2", "optimizer._target_=torch.optim.SGD,torch.optim.LBFGS",
        "scheduler=step,none", "trainer.accelerator=cpu", "figures=none",
    )  # fmt: skip
    assert answer.status == 0, answer.err
    assert len(list((tmp_path / "sweep").glob("*/metrics.json"))) == 4
    assert "LBFGS has no stacked form" in answer.out + answer.err


OWN_MODELS = """
from torch import nn

from perceptron.models import BinaryClassifier


class Wide(nn.Sequential):
    def __init__(self, n_features, n_outputs, width=64, hidden: int = 3):
        super().__init__(nn.Linear(n_features, width), nn.GELU(), nn.Linear(width, n_outputs))


class Focal(BinaryClassifier):
    def __init__(self, *, gamma=2.0, **settings):
        super().__init__(**settings)
        self.gamma = gamma


class Plain(nn.Module):
    def __init__(self, n_features, width=3):
        super().__init__()
"""
WIDE, FOCAL = "model.network._target_=own_models.Wide", "model._target_=own_models.Focal"
GRADUAL = "callbacks.g._target_=lightning.pytorch.callbacks.GradientAccumulationScheduler"


@pytest.fixture
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "own_models.py").write_text(OWN_MODELS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("own_models", None)


@pytest.mark.usefixtures("own_models")
def test_ones_own_network_and_model_get_their_arguments_alone() -> None:
    model = settled("model=binary_mlp", WIDE, "model.network.width=16")["model"]
    assert named(model["network"]) == {"width": 16}
    model = settled("model=binary_mlp", FOCAL, "model.gamma=1")["model"]
    assert (model["gamma"], model["threshold"], model["network"]["hidden"]) == (1, 0.5, [100])
    assert named(settled("model=binary_mlp", "model._target_=own_models.Plain")["model"]) == {}


@pytest.mark.usefixtures("own_models")
@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ([WIDE, "model.network.width=16", "model.network.hidden=2"], None),
        ([WIDE, "+model.network.width=16"], None),
        (
            [WIDE, "model.network.widht=16"],
            "there is no setting model.network.widht; did you mean model.network.width?",
        ),
        ([WIDE, "model.network.width=x"], "model.network.width must be a number, got 'x'; set model.network.width"),
        ([WIDE, "model.network.dropout=0.1"], "there is no setting model.network.dropout; choose from hidden, width"),
        ([FOCAL, "model.gama=1"], "there is no setting model.gama; did you mean model.gamma?"),
        ([FOCAL, "model.threshold=2"], "model.threshold must be in (0, 1), or auto, got 2; set model.threshold"),
    ],
)
def test_ones_own_network_and_model_are_checked_by_their_signatures(typed: list[str], line: str | None) -> None:
    if line is None:
        check_command_line(["model=binary_mlp", *typed])
        return
    with pytest.raises(UsageError) as caught:
        check_command_line(["model=binary_mlp", *typed])
    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (["optimizer={lr:abc}"], "optimizer.lr must be a number, got 'abc'; set optimizer.lr"),
        (["model.network.hidden=3"],
         "model.network.hidden must be a list of whole numbers, got 3; set model.network.hidden"),
        (["model.network.hidden=[a]"],
         "model.network.hidden must be a list of whole numbers, got ['a']; set model.network.hidden"),
        (["callbacks.early_stoping.patience=3"],
         "there is no setting callbacks.early_stoping; did you mean callbacks.early_stopping?"),
        (["callbacks.early_stopping.patiense=3"],
         "there is no setting callbacks.early_stopping.patiense; did you mean callbacks.early_stopping.patience?"),
        (["callbacks.x=3"], "callbacks.x must be settings with a _target_, or null, got 3; change it"),
        ([GRADUAL], "callbacks.g.scheduling is required; type callbacks.g.scheduling=<value>"),
        ([GRADUAL, "callbacks.g.scheduling={a:1}"],
         "callbacks.g.scheduling must be a mapping of whole numbers to whole numbers, got {'a': 1}; set "
         "callbacks.g.scheduling"),
        (["metrics.f._target_=torchmetrics.classification.BinaryFBetaScore"],
         "metrics.f.beta is required; type metrics.f.beta=<value>"),
        (["data=moons", "data.dataset.n_sample=3"],
         "there is no setting data.dataset.n_sample; did you mean data.dataset.n_samples?"),
        (["trainer.profiler={_target_:lightning.pytorch.profilers.SimpleProfiler,filename:3}"],
         "trainer.profiler.filename must be a text, got 3; set trainer.profiler.filename"),
        (["trainer.plugins=[{_target_:lightning.pytorch.plugins.TorchCheckpointIO,x:3}]"],
         "there is no setting trainer.plugins.x; there is nothing to choose from"),
    ],
)  # fmt: skip
def test_every_part_is_checked_by_its_signature(typed: list[str], line: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_command_line(typed)
    assert str(caught.value) == line


@pytest.mark.parametrize(
    "typed",
    [
        [GRADUAL, "callbacks.g.scheduling={0:2,1:4}"],
        ["-m", GRADUAL, "callbacks.g.scheduling={0:2,1:4},{0:4}"],
        ["metrics.kappa._target_=torchmetrics.CohenKappa", "monitor=val/kappa"],
        ["trainer.strategy={_target_:lightning.pytorch.strategies.DDPStrategy,find_unused_parameters:true}"],
        ["trainer.model_registry=mine", "trainer.enable_autolog_hparams=false"],
        ["data=moons", "data.dataset._target_=sklearn.datasets.make_blobs", "data.dataset.centers=3", "model=softmax"],
    ],
)
def test_no_part_needs_a_plus(typed: list[str]) -> None:
    check_command_line(typed)
