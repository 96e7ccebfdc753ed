import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import OmegaConf
from tests.composition.sweeps.multiruns import TYPED, multirun

from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.composition.sweeps.loader import SweepLoader

SWEEPS = [
    [["seed=1", "optimizer.lr=0.1"], ["seed=2", "optimizer.lr=0.2"], ["seed=3", "optimizer.lr=1e-3"]],
    [["model=digits_mlp", "model.network.hidden=[5]"], ["model=digits_mlp", "model.network.hidden=[7,8]"]],
    [["data=wine", "seed=1"], ["data=iris", "seed=1"]],
    [["+trainer.extra=1", "tags=[a]"], ["+trainer.extra=2", "tags=[b,c]"]],
    [["hydra.job.name=a", "seed=1"], ["hydra.job.name=b", "seed=2"]],
    [["seed=1", "optimizer.lr=0.1"], ["optimizer.lr=0.1", "seed=2"]],
    [["data.fold=null", "monitor=val/acc"], ["data.fold=1", "monitor=val/loss"]],
]


@pytest.mark.parametrize("jobs", SWEEPS)
def test_configurations_are_those_that_hydra_composes(jobs: list[list[str]]) -> None:
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        hydras = GlobalHydra.instance().config_loader()
        master = hydras.load_configuration("train", overrides=["hydra.sweep.dir=somewhere"], run_mode=RunMode.MULTIRUN)
        loader = SweepLoader(hydras)
        # The first job is Hydra's own, and must not change with what comes after it.
        for overrides in [*jobs, jobs[0]]:
            quick = loader.load_sweep_config(master, overrides)
            slow = hydras.load_sweep_config(master, overrides)
            assert OmegaConf.to_container(quick, resolve=False) == OmegaConf.to_container(slow, resolve=False)
            with pytest.raises(Exception, match="nothing"):
                quick.nothing = 1


@pytest.mark.parametrize("typed", TYPED)
def test_jobs_of_a_multirun_are_those_that_hydra_composes(typed: list[str]) -> None:
    with multirun(typed) as (hydras, master, jobs):
        loader = SweepLoader(hydras)
        for overrides in [*jobs, jobs[0]]:
            quick = loader.load_sweep_config(master, overrides)
            slow = hydras.load_sweep_config(master, overrides)
            assert OmegaConf.to_container(quick, resolve=False) == OmegaConf.to_container(slow, resolve=False)


@pytest.mark.parametrize("wrong", ["optimizer.lr=abc", "optimizer.lrr=0.1"])
def test_what_is_wrong_is_said_as_hydra_says_it(wrong: str) -> None:
    with multirun(["seed=1"]) as (hydras, master, _):
        with pytest.raises(HydraException) as expected:
            hydras.load_sweep_config(master, [wrong])
        loader = SweepLoader(hydras)
        with pytest.raises(HydraException) as caught:
            loader.load_sweep_config(master, [wrong])
        assert str(caught.value) == str(expected.value)
