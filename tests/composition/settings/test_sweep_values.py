from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf
from tests.composition.command_lines import check_command_line

from perceptron.composition.settings.before_start import check_multirun
from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.composition.settings.explain import explain

# Typed behind -m, and the start of the line: wrong values that Hydra composes, or that it composes job by job.
WRONG = [
    ("optimizer.lr=-1", "optimizer.lr must be above 0, got -1"),
    ("seed=1,-2", "seed must be from 0 to 2**32 - 1, got -2"),
    ("model=logistic,digits_mlp trainer.max_epochs=3,-3", "trainer.max_epochs must be at least 1, or -1 for no end"),
    ("model=digits_mlp model.network.hidden=[3],[0]", "model.network.hidden must be a list of widths"),
    ("model=logistic,nope", "there is no model=nope"),
    ("optimizer.lr=0.1,x", "optimizer.lr must be a number, got 'x'"),
    ("optimizer.lrr=0.1,0.2", "there is no setting optimizer.lrr; did you mean optimizer.lr?"),
    ("seed=${data.split_seed},2 optimizer.lr=0.1,0", "optimizer.lr must be above 0, got 0"),
    ("seed=1,${no.such}", "seed must be a value that can be resolved"),
    ("tags=[a],['${nothing}'] seed=1,2", "tags[0] must be a value that can be resolved"),
    ("seed=1,???", "seed is required"),
    ("data.split_seed=${seed} seed=1,-2", "data.split_seed must be from 0 to 2**32 - 1, got -2"),
    ("monitor=val/acc,val/accuracy", "monitor must be a metric that this run logs, got val/accuracy"),
    ("data.val_fraction=0.1,0 monitor=val/loss", "monitor must be a metric that this run logs, got val/loss"),
    ("data.folds=5 data.fold=0,5", "data.fold must be below data.folds=5, got 5"),
    ("+trainer.max_epoch=5,6", "there is no setting trainer.max_epoch; did you mean trainer.max_epochs?"),
    ("~callbacks.early_stopping seed=1,-2", "seed must be from 0 to 2**32 - 1, got -2"),
    ("trainer.num_nodes=1,2 trainer.devices=2", "a multirun's job must run on one node, got trainer.num_nodes=2"),
    ("paths.output_dir=x seed=1,2", "a multirun's jobs must lie in its folder, got paths.output_dir=x"),
    ("hydra.sweep.subdir=x seed=1,2", "each job of a multirun must have a folder of its own"),
    ("hydra/launcher=population hydra.launcher.max_members=0", "hydra.launcher.max_members must be at least 1, got 0"),
    (
        "hydra/launcher=population hydra.launcher.cluster=slurm",
        "hydra.launcher.cluster must be one of ray, auto, got slurm",
    ),
]
RIGHT = [
    "seed=1,2 optimizer.lr=0.1,1e-3 data.split_seed=${seed}",
    "model=logistic,digits_mlp data=breast_cancer,digits",
    "hydra/launcher=population data.folds=5 data.fold=range(5)",
    "seed=${hydra:job.num},7 tags=['${hydra:runtime.output_dir}'],[b]",
    "callbacks.early_stopping=null optimizer.lr=0.1,0.2",
    "+callbacks.more={_target_:calendar.Calendar} ++seed=1,2",
    "model=digits_mlp model.network={hidden:[4]},{hidden:[5]}",
    "optimizer=glob(*)",
]


@pytest.mark.parametrize(("typed", "line"), WRONG)
def test_a_wrong_value_of_any_job_is_found_before_the_first(typed: str, line: str) -> None:
    with pytest.raises(Exception) as found:  # noqa: PT011
        check_command_line(["-m", *typed.split()])
    said = str(found.value) if type(found.value).__name__ == "UsageError" else explain(found.value)
    assert said.startswith(line)


@pytest.mark.parametrize("typed", RIGHT)
def test_a_check_leaves_what_hydra_composed_as_it_was(
    typed: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        config = loader.load_configuration("train", typed.split(), run_mode=RunMode.MULTIRUN)
        before, places = OmegaConf.to_container(config, resolve=False), str(loader.get_search_path())
        check_multirun(config, loader)
        assert OmegaConf.to_container(config, resolve=False) == before
        assert not OmegaConf.is_readonly(config.hydra)
        assert str(loader.get_search_path()) == places
    assert [*tmp_path.iterdir()] == []


def test_what_goes_wrong_in_training_is_what_is_said(
    perceptron, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    experiment = tmp_path / "own/experiment/e.yaml"
    experiment.parent.mkdir(parents=True)
    experiment.write_text("# @package _global_\nseed: 3\n", encoding="utf-8")

    def fail(*_: object, **__: object) -> None:
        experiment.unlink()
        raise RuntimeError("the true cause")

    monkeypatch.setattr("perceptron.composition.run.run_once", fail)
    with pytest.raises(RuntimeError, match="the true cause"):
        perceptron("train", "--config-dir", tmp_path / "own", "experiment=e", f"hydra.run.dir={tmp_path}/run")
