"""Jobs composed quickly are the jobs that Hydra composes, and leave the files that Hydra leaves."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from tests.composition.population.multiruns import TYPED, multirun
from tests.population.comparing import sweep

from perceptron.composition.population.job_loader import JobLoader
from perceptron.composition.population.multirun_jobs import MultirunJobs

# Overrides of jobs that a sweeper may ask for in turn, each a multirun.
SWEEPS = [
    [["seed=1", "optimizer.lr=0.1"], ["seed=2", "optimizer.lr=0.2"], ["seed=3", "optimizer.lr=1e-3"]],
    [["model=digits_mlp", "model.network.hidden=[5]"], ["model=digits_mlp", "model.network.hidden=[7,8]"]],
    [["data=wine", "seed=1"], ["data=iris", "seed=1"]],
    [["+trainer.extra=1", "tags=[a]"], ["+trainer.extra=2", "tags=[b,c]"]],
    [["hydra.job.name=a", "seed=1"], ["hydra.job.name=b", "seed=2"]],
    [["hydra/job_logging=none", "seed=1"], ["hydra/job_logging=none", "seed=2"]],
    [["hydra.job_logging.handlers.file.filename=${hydra.runtime.output_dir}/${seed}.log", f"seed={n}"] for n in (1, 2)],
    [["seed=1", "optimizer.lr=0.1"], ["optimizer.lr=0.1", "seed=2"]],
    [["data.fold=null", "monitor=val/acc"], ["data.fold=1", "monitor=val/loss"]],
    [["seed=3", "data.split_seed=${seed}"], ["seed=4", "data.split_seed=${seed}"], ["seed=5", "data.split_seed=7"]],
    [["data.val_fraction=0", "tags=[a,b]", "task_name=one"], ["data.val_fraction=0.1", "tags=[c]", "task_name=other"]],
    [["hydra.sweep.subdir=${seed}_${hydra.job.num}", f"seed={seed}"] for seed in (1, 2)],
    [[f"seed={seed}", "data.folds=9", f"data.fold={fold}"] for fold, seed in enumerate((1, 2, "${data.split_seed}"))],
    [["callbacks.early_stopping.patience=3"], ["callbacks.early_stopping=null"], ["seed=1"]],
]


@pytest.fixture(autouse=True)
def _own_hydra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(HydraConfig.instance(), "cfg", None)
    monkeypatch.chdir(tmp_path)


def _enter(cfg: DictConfig, number: int) -> DictConfig:
    """A job with its number and folder, as Hydra gives it both."""
    OmegaConf.set_struct(cfg.hydra, False)
    cfg.hydra.job.id = cfg.hydra.job.num = number
    HydraConfig.instance().set_config(cfg)
    OmegaConf.set_readonly(cfg.hydra, False)
    cfg.hydra.runtime.output_dir = str(Path(str(cfg.hydra.sweep.dir), str(cfg.hydra.sweep.subdir)).absolute())
    HydraConfig.instance().set_config(cfg)
    return cfg


def _assert_equal(jobs: Sequence[Sequence[str]], hydras: ConfigLoader, master: DictConfig) -> None:
    # The first again, after others have been set in the same place.
    overrides = [*jobs, jobs[0]]
    loader = JobLoader(hydras)
    ours = MultirunJobs(JobLoader(hydras), master, overrides)
    for number, typed in enumerate(overrides):
        quick = loader.load_sweep_config(master, typed)
        slow = hydras.load_sweep_config(master, list(typed))
        assert OmegaConf.to_container(quick) == OmegaConf.to_container(slow)
        with pytest.raises(Exception, match="nothing"):
            quick.nothing = 1
        job = ours.job(number)
        expected = _enter(slow, number)
        settings = OmegaConf.masked_copy(expected, [key for key in expected if key != "hydra"])
        assert job.config == OmegaConf.to_container(settings, resolve=True)
        assert job.composed == OmegaConf.to_container(expected, enum_to_str=True)
        assert job.overrides == OmegaConf.to_container(expected.hydra.overrides.task)
        assert job.log_file == OmegaConf.select(expected, "hydra.job_logging.handlers.file.filename")


@pytest.mark.parametrize("jobs", SWEEPS)
def test_jobs_in_turn_are_those_that_hydra_composes(jobs: list[list[str]]) -> None:
    with multirun(["hydra.sweep.dir=somewhere"]) as (hydras, master, _):
        _assert_equal(jobs, hydras, master)


@pytest.mark.parametrize("typed", TYPED)
def test_jobs_of_a_multirun_are_those_that_hydra_composes(typed: list[str]) -> None:
    with multirun(typed) as (hydras, master, jobs):
        _assert_equal(jobs, hydras, master)


@pytest.mark.parametrize("wrong", ["seed=abc", "optimizer=sdg"])
def test_a_mistake_is_described_as_hydra_describes_it(wrong: str) -> None:
    with multirun(["seed=1"]) as (hydras, master, _):
        with pytest.raises(HydraException) as expected:
            hydras.load_sweep_config(master, [wrong])
        loader = JobLoader(hydras)
        with pytest.raises(HydraException) as caught:
            loader.load_sweep_config(master, [wrong])
        assert str(caught.value) == str(expected.value)


def test_jobs_that_differ_in_plain_values_are_composed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    composed: list[list[str]] = []
    typed = ["model=digits_mlp", "seed=1,2,3", "trainer.max_epochs=null,2", "tags=[a],[b]", "optimizer=sgd,adam"]
    with multirun(typed) as (hydras, master, jobs):
        by_hydra = hydras.load_sweep_config
        monkeypatch.setattr(hydras, "load_sweep_config", lambda *args: composed.append(args[1]) or by_hydra(*args))
        loader = JobLoader(hydras)
        for overrides in jobs:
            loader.load_sweep_config(master, overrides)
    assert len(jobs) == 24
    assert [job[-1] for job in composed] == ["optimizer=sgd", "optimizer=adam"]
    composed.clear()
    with multirun(typed[:4]) as (hydras, master, jobs):
        monkeypatch.setattr(hydras, "load_sweep_config", None)
        loader = JobLoader(hydras)
        assert [loader.load_sweep_config(master, overrides).seed for overrides in jobs[::4]] == [1, 2, 3]


def test_a_relative_interpolation_refers_to_the_same_group(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment/near.yaml").write_text(
        "# @package _global_\ndata:\n  seed: 7\n  split_seed: ${.seed}\nmodel:\n  threshold: 0.4\n", encoding="utf-8"
    )
    with multirun([f"hydra.searchpath=[{tmp_path}]", "experiment=near", "seed=1,2"]) as (hydras, master, overrides):
        jobs = MultirunJobs(JobLoader(hydras), master, overrides)
        for number in jobs.numbers:
            config = jobs.job(number).config
            assert (config["seed"], config["data"]["seed"], config["data"]["split_seed"]) == (number + 1, 7, 7)


def test_a_job_that_cannot_be_resolved_affects_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # The check before the start resolves the settings of job 0.
    for number in (0, 2):
        monkeypatch.setenv(f"TAG_{number}", "a")
    tags = "tags=['${oc.env:TAG_${hydra:job.num}}']"
    typed = ["model=logistic", "seed=1,2,3", tags, "trainer.max_epochs=1", "logger=none"]
    folder = sweep(monkeypatch, tmp_path, "hydra/launcher=population", "hydra/job_logging=none", *typed, status=1)
    assert "Environment variable 'TAG_1' not found" in (folder / "1/error.txt").read_text(encoding="utf-8")
    assert [(folder / f"{number}/metrics.json").is_file() for number in range(3)] == [True, False, True]
    # As with Hydra's own launcher.
    assert not list(folder.rglob("*.log"))


def test_files_of_a_job_hold_what_was_composed(tmp_path: Path) -> None:
    with multirun([f"hydra.sweep.dir={tmp_path}", "tags=['1e-3','${seed}']", "seed=1,2"]) as (
        hydras,
        master,
        overrides,
    ):
        jobs = MultirunJobs(JobLoader(hydras), master, overrides)
        for number in jobs.numbers:
            job = jobs.job(number)
            job.write_hydra_files()
            files = {
                path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
                for path in (tmp_path / f"{number}/.hydra").iterdir()
            }
            assert files == {
                "config": {name: value for name, value in job.composed.items() if name != "hydra"},
                "hydra": {"hydra": job.composed["hydra"]},
                "overrides": job.overrides,
            }
            assert (tmp_path / f"{number}/train.log").read_text(encoding="utf-8") == ""


def test_a_member_leaves_the_files_that_hydra_leaves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = ["model=logistic", "seed=1,2", "optimizer.lr=1e-3", "trainer.max_epochs=1", "logger=none"]
    folders = {}
    for launcher in ("basic", "population"):
        folders[launcher] = sweep(monkeypatch, tmp_path / launcher, f"hydra/launcher={launcher}", *settings)
    for path in sorted(folders["basic"].glob("[01]/.hydra/*.yaml")):
        twin = folders["population"] / path.relative_to(folders["basic"])
        texts = [
            file.read_text(encoding="utf-8").replace(str(folders[launcher]), "").replace(str(tmp_path / launcher), "")
            for launcher, file in (("basic", path), ("population", twin))
        ]
        ours = [[line for line in text.splitlines() if "launcher" not in line.lower()] for text in texts]
        assert [line for line in ours[1] if line.strip() not in ("max_members: null", "cluster: null")] == ours[0]
