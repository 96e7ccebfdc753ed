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
    assert named(settled(own, "optimizer.width=3")["optimizer"])["width"] == 3
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
