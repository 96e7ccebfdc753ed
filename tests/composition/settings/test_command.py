from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from perceptron.composition.settings.command import check_composed, check_overrides
from perceptron.composition.settings.overrides import CONF_DIR
from perceptron.errors import UsageError

# What Hydra composes without a complaint.
WRONG = [
    ["optimizer.lr=-1"],
    ["seed=1,-2"],
    ["model=logistic,digits_mlp", "trainer.max_epochs=3,-3"],
    ["model=digits_mlp", "model.network.hidden=[3],[0]"],
    ["model=logistic,nope"],
    ["optimizer.lr=0.1,x"],
    ["seed=${data.split_seed},2", "optimizer.lr=0.1,0"],
    ["hydra.sweep.subdir=x", "seed=1,2"],
    ["hydra/launcher=population", "hydra.launcher.max_members=0"],
    ["paths.output_dir=x", "seed=1,2"],
]
RIGHT = [
    ["seed=1,2", "optimizer.lr=0.1,1e-3", "data.split_seed=${seed}"],
    ["model=logistic,digits_mlp", "data=breast_cancer,digits"],
    ["hydra/launcher=population", "data.folds=5", "data.fold=range(5)"],
]


@contextmanager
def composed(typed: list[str]) -> Iterator[tuple[DictConfig, ConfigLoader]]:
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        yield loader.load_configuration("train", typed, run_mode=RunMode.MULTIRUN), loader


@pytest.mark.parametrize("typed", WRONG, ids=" ".join)
def test_what_was_composed_gets_the_line_of_what_is_composed_for_it(typed: list[str]) -> None:
    with pytest.raises(UsageError) as expected:
        check_overrides(typed, multirun=True)
    with composed(typed) as (cfg, _), pytest.raises(UsageError) as found:
        check_composed(cfg, config_name="train")
    assert str(found.value) == str(expected.value)


@pytest.mark.parametrize("typed", [*RIGHT, *WRONG], ids=" ".join)
def test_a_check_leaves_hydra_as_it_was(typed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    other = object()
    monkeypatch.setattr(HydraConfig.instance(), "cfg", other)
    with composed(typed) as (cfg, loader):
        before, places = OmegaConf.to_container(cfg, resolve=False), str(loader.get_search_path())
        try:
            check_composed(cfg, config_name="train")
        except UsageError:
            assert typed in WRONG
        else:
            assert typed in RIGHT
        assert OmegaConf.to_container(cfg, resolve=False) == before
        assert not OmegaConf.is_readonly(cfg.hydra)
        assert str(loader.get_search_path()) == places
    assert HydraConfig.instance().cfg is other


def test_what_goes_wrong_in_training_is_what_is_said(
    perceptron, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    experiment = tmp_path / "own/experiment/e.yaml"
    experiment.parent.mkdir(parents=True)
    experiment.write_text("# @package _global_\nseed: 3\n")

    def fail(*_: object, **__: object) -> None:
        experiment.unlink()
        raise RuntimeError("the true cause")

    monkeypatch.setattr("perceptron.composition.run.run_once", fail)
    with pytest.raises(RuntimeError, match="the true cause"):
        perceptron("train", "--config-dir", tmp_path / "own", "experiment=e", f"hydra.run.dir={tmp_path}/run")
