from pathlib import Path

import pytest
import yaml
from hydra import initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from tests.composition.sweeps.multiruns import TYPED, multirun
from tests.population.comparing import sweep

from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.composition.settings.interpolations import dependents
from perceptron.composition.sweeps.loader import SweepLoader
from perceptron.composition.sweeps.report import planned_jobs
from perceptron.composition.sweeps.template import JobTemplate

JOBS = [
    ["seed=3", "optimizer.lr=1e-3", "data.split_seed=${seed}"],
    ["seed=4", "optimizer.lr=0.1", "data.split_seed=${seed}"],
    ["seed=5", "optimizer.lr=1", "data.split_seed=7"],
    ["data.val_fraction=0", "tags=[a,b]", "task_name=other"],
    ["data.val_fraction=0.1", "tags=[c]", "task_name=another"],
    ["hydra.sweep.subdir=${seed}_${hydra.job.num}", "seed=1"],
    ["hydra.sweep.subdir=${seed}_${hydra.job.num}", "seed=2"],
]


@pytest.fixture(autouse=True)
def _own_hydra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HydraConfig.instance(), "cfg", None)


def _by_hydra(hydras: ConfigLoader, master: DictConfig, overrides: list[str], number: int) -> DictConfig:
    """A job as Hydra composes it and gives it its number and folder."""
    cfg = hydras.load_sweep_config(master, overrides)
    OmegaConf.set_struct(cfg.hydra, False)
    cfg.hydra.job.id = cfg.hydra.job.num = number
    HydraConfig.instance().set_config(cfg)
    OmegaConf.set_readonly(cfg.hydra, False)
    cfg.hydra.runtime.output_dir = str(Path(str(cfg.hydra.sweep.dir), str(cfg.hydra.sweep.subdir)).absolute())
    HydraConfig.instance().set_config(cfg)
    return cfg


def test_plain_values_are_those_that_hydra_and_omegaconf_give(tmp_path: Path) -> None:
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        hydras = GlobalHydra.instance().config_loader()
        master = hydras.load_configuration("train", [f"hydra.sweep.dir={tmp_path}"], run_mode=RunMode.MULTIRUN)
        loader = SweepLoader(hydras)
        # The first again, after others have been set in the same place.
        for number, overrides in enumerate([*JOBS, JOBS[0]]):
            template = loader.template(master, overrides)
            job = template.job(number)
            entered = template.enter(number)
            slow = _by_hydra(hydras, master, overrides, number)
            assert job.folder == tmp_path / str(slow.hydra.sweep.subdir)
            assert str(job.folder) == slow.hydra.runtime.output_dir
            expected = OmegaConf.to_container(slow, resolve=True)
            assert isinstance(expected, dict)
            del expected["hydra"]
            assert job.config == expected
            assert OmegaConf.to_container(entered, resolve=True) == expected
            raw = OmegaConf.to_container(slow, resolve=False, enum_to_str=True)
            assert isinstance(raw, dict)
            files = {name: yaml.safe_load(text) for name, text in job.hydra_files().items()}
            assert files["hydra.yaml"]["hydra"] == raw.pop("hydra")
            assert files["config.yaml"] == raw
            assert files["overrides.yaml"] == [text for text in overrides if not text.startswith("hydra")]


@pytest.mark.parametrize("typed", TYPED)
def test_files_of_jobs_are_those_of_hydra_to_the_byte(
    typed: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with multirun(typed) as (hydras, master, jobs):
        loader = SweepLoader(hydras)
        for number, overrides in enumerate([*jobs, jobs[0]]):
            template = loader.template(master, overrides)
            job = template.job(number)
            entered = template.enter(number)
            slow = _by_hydra(hydras, master, overrides, number)
            settings = OmegaConf.masked_copy(slow, [key for key in slow if key != "hydra"])
            assert job.folder == Path(slow.hydra.runtime.output_dir)
            assert job.hydra_files() == {
                "config.yaml": OmegaConf.to_yaml(settings),
                "hydra.yaml": OmegaConf.to_yaml(OmegaConf.masked_copy(slow, "hydra")),
                "overrides.yaml": OmegaConf.to_yaml(slow.hydra.overrides.task),
            }
            assert job.config == OmegaConf.to_container(settings, resolve=True)
            assert OmegaConf.to_container(entered, resolve=True) == job.config


def test_jobs_that_differ_in_plain_values_need_omegaconf_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    entered: list[int] = []
    enter = JobTemplate.enter
    monkeypatch.setattr(JobTemplate, "enter", lambda self, number: entered.append(number) or enter(self, number))
    typed = [
        f"hydra.sweep.dir={tmp_path}",
        "seed=1,2,3",
        "optimizer.lr=0.1,1",
        "trainer.max_epochs=null,2",
        "tags=[a],[b]",
    ]
    with multirun(typed) as (hydras, master, jobs):
        loader = SweepLoader(hydras)
        found = [loader.template(master, overrides).job(number) for number, overrides in enumerate(jobs)]
    assert entered == [0]
    assert {type(job.config["optimizer"]["lr"]) for job in found} == {float}
    assert [job.config["data"]["seed"] for job in found] == [job.config["seed"] for job in found]
    assert found[5].config["callbacks"]["checkpoint"]["dirpath"] == f"{tmp_path}/5/checkpoints"


def test_what_followed_from_plain_values_is_entered_later(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    seeds = ["1", "2", "3", "4", "${data.split_seed}", "6"]
    with multirun(["seed=1,2", "data.fold=0"]) as (hydras, master, _):
        loader = SweepLoader(hydras)
        for number, seed in enumerate(seeds):
            overrides = [f"seed={seed}", f"data.fold={number}", "data.folds=9"]
            template = loader.template(master, overrides)
            job = template.job(number)
            slow = _by_hydra(hydras, master, overrides, number)
            settings = OmegaConf.masked_copy(slow, [key for key in slow if key != "hydra"])
            assert job.config == OmegaConf.to_container(settings, resolve=True)
            if number == 3:
                HydraConfig.instance().cfg = None
                assert OmegaConf.to_container(template.enter(number), resolve=True) == job.config
                assert HydraConfig.get().job.num == number
                assert HydraConfig.get().overrides.task == overrides


def test_a_reference_to_a_neighbour_is_the_neighbours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment/near.yaml").write_text(
        "# @package _global_\ndata:\n  seed: 7\n  split_seed: ${.seed}\nmodel:\n  threshold: 0.4\n"
    )
    with multirun([f"hydra.searchpath=[{tmp_path}]", "experiment=near", "seed=1,2"]) as (hydras, master, jobs):
        loader = SweepLoader(hydras)
        for number, overrides in enumerate(jobs):
            job = loader.template(master, overrides).job(number)
            assert (job.config["seed"], job.config["data"]["seed"], job.config["data"]["split_seed"]) == (
                number + 1,
                7,
                7,
            )


def test_what_depends_on_a_setting_is_found_through_others() -> None:
    texts = {"a": "${seed}", "b": "${a}/x", "c": "${group.part}", "d": "${hydra:job.num}", "e": "${other}"}
    assert list(dependents(texts, ["seed", "group"])) == ["a", "c", "d", "b"]
    assert list(dependents({"e": "${other}", "f": "${direction_of:${e}}"}, ["seed"])) == []
    assert list(dependents({"e": "${other}", "f": "${direction_of:${e}}"}, ["other"])) == ["e", "f"]
    assert list(dependents({"g": "${.near}", "h": "${a[b]}", "i": "${oc.select:x}", "j": "\\${x}"}, [])) == [*"ghij"]


def test_a_member_leaves_the_files_of_hydra_to_the_byte(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = ["model=logistic", "seed=1,2", "optimizer.lr=1e-3", "trainer.max_epochs=1", "logger=none"]
    folders = {}
    for launcher in ("basic", "population"):
        folders[launcher] = sweep(monkeypatch, tmp_path / launcher, f"hydra/launcher={launcher}", *settings)
    for path in sorted(folders["basic"].glob("[01]/.hydra/*.yaml")):
        twin = folders["population"] / path.relative_to(folders["basic"])
        texts = [
            file.read_text().replace(str(folders[launcher]), "").replace(str(tmp_path / launcher), "")
            for launcher, file in (("basic", path), ("population", twin))
        ]
        ours = [[line for line in text.splitlines() if "launcher" not in line.lower()] for text in texts]
        assert [line for line in ours[1] if "max_members" not in line] == ours[0]


def test_jobs_are_counted_whatever_they_refer_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with multirun(["seed=1,2", "optimizer.weight_decay=${.lr}", "optimizer=glob(sgd*)"]) as (_, master, jobs):
        assert planned_jobs(master) == len(jobs) == 4
