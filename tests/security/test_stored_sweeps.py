"""``sweep.resume`` of somebody else's sweep: what its multirun.yaml says is read as data."""

from pathlib import Path

import pytest
import yaml
from hydra.utils import instantiate
from tests.conftest import Perceptron
from tests.security.stored_sweeps import refused, store

from perceptron.composition.sweeps.resume import resumed_arguments
from perceptron.errors import UsageError


def payload(marker: Path) -> tuple[str, str]:
    return (
        "+callbacks.x._target_=torch.utils.collect_env.run",
        f"+callbacks.x.command='touch {marker}'",
    )


def test_the_payload_works(tmp_path: Path) -> None:
    instantiate({"_target_": "torch.utils.collect_env.run", "command": f"touch {tmp_path / 'marker'}"})
    assert (tmp_path / "marker").exists()


def test_a_named_function_is_not_run(perceptron: Perceptron, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    error = refused(perceptron, store(tmp_path / "sweep", payload(marker)), marker)
    assert "got callbacks.x._target_=torch.utils.collect_env.run" in error
    assert error.endswith("type 'trust=[torch.utils.collect_env.run]'\n")


def test_a_flag_is_refused(perceptron: Perceptron, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    (tmp_path / "conf").mkdir()
    evil = {"_target_": "torch.utils.collect_env.run", "command": f"touch {marker}"}
    (tmp_path / "conf" / "evil.yaml").write_text(
        "# @package _global_\n" + yaml.safe_dump({"callbacks": {"x": evil}}), encoding="utf-8"
    )
    stored = store(tmp_path / "sweep", ("+experiment=evil",), config_dir=tmp_path / "conf")
    assert f"got --config-dir {tmp_path / 'conf'}" in refused(perceptron, stored, marker)


def test_a_flag_among_the_overrides_is_refused(perceptron: Perceptron, tmp_path: Path) -> None:
    for flag in (f"--config-dir={tmp_path}", f"--experimental-rerun={tmp_path / 'x'}", "-cd", "--multirun"):
        sweep = store(tmp_path / "sweep", (flag,))
        assert f"got {flag} in " in refused(perceptron, sweep, tmp_path / "marker")


# What would have run code, written elsewhere or used the network; {marker} is a path.
TASK = [
    "+callbacks.x='${oc.create:{_target_:torch.utils.collect_env.run}}'",
    "+callbacks.x={_target_: torch.utils.collect_env.run, command: touch}",
    "+callbacks={x: {_target_: torch.utils.collect_env.run, command: touch}}",
    "+callbacks.x._target_=choice(perceptron.callbacks.EpochProgress, torch.utils.collect_env.run)",
    "+callbacks.x._target_=perceptron.callbacks.EpochProgress,torch.utils.collect_env.run",
    "+callbacks.x._target_=${tags.0}",
    "++model.network._target_=pathlib.Path.touch",
    "model.network={_target_: torch.optim.SGD, _args_: [{_target_: joblib.load, filename: x}]}",
    "data.dataset._target_=joblib.load",
    "+data.dataset.data_home='{marker}'",
    "data.dataset._target_=sklearn.datasets.fetch_openml",
    "data=openml",
    "data=openml.yaml",
    "data=california_housing",
    "data=wine,covtype",
    "data=glob(*)",
    "model='../../../{marker}'",
    "+experiment=/{marker}",
    "experiment@_global_=tabm",
    "+data@callbacks.x=wine",
    "callbacks.checkpoint.dirpath='{marker}'",
    "callbacks.checkpoint.dirpath=elsewhere",
    "callbacks.checkpoint.dirpath='${paths.output_dir}/../../..'",
    "callbacks.checkpoint.dirpath='${tags.0}'",
    "callbacks.checkpoint.filename='../../x'",
    "callbacks.checkpoint.filename='$HOME/x'",
    "callbacks.last.dirpath='s3://bucket/x'",
    "+logger.x={_target_: lightning.pytorch.loggers.CSVLogger, save_dir: '{marker}'}",
    "+logger.x={_target_: lightning.pytorch.loggers.MLFlowLogger, tracking_uri: 'http://host'}",
    "trainer.default_root_dir='{marker}'",
    "trainer.profiler={_target_: lightning.pytorch.profilers.SimpleProfiler, dirpath: '{marker}', filename: x}",
    "={callbacks: {x: {_target_: torch.utils.collect_env.run}}}",
]
HYDRA = [
    "hydra.searchpath=['file://{marker}']",
    "hydra.callbacks.check._target_=torch.utils.collect_env.run",
    "+hydra.callbacks.x={_target_: torch.utils.collect_env.run, command: touch}",
    "~hydra.callbacks.check",
    "hydra.callbacks.sweep._target_=torch.utils.collect_env.run",
    "hydra.callbacks.sweep.filter='${oc.env:HOME}'",
    "hydra.callbacks.sweep.max_jobs='${own_folder:{marker}}'",
    "~hydra",
    "hydra={callbacks: {x: {_target_: torch.utils.collect_env.run}}}",
    "hydra.launcher._target_=torch.utils.collect_env.run",
    "hydra.sweeper._target_=torch.utils.collect_env.run",
    "hydra.sweeper.sampler._target_=torch.utils.collect_env.run",
    "hydra.sweeper.params={+callbacks.x._target_: torch.utils.collect_env.run}",
    "hydra.sweeper.params={callbacks.checkpoint.dirpath: '/x,/y'}",
    "hydra.sweeper.storage='postgresql://host/db'",
    "hydra.sweeper.storage='sqlite:///{marker}'",
    "hydra.sweeper.storage=env:HOME",
    "hydra.sweeper.study_name=\"a' b\"",
    "hydra.job_logging.handlers.file.filename='{marker}'",
    "hydra.job_logging={formatters: {simple: {\\(\\): torch.utils.collect_env.run}}}",
    "+hydra.job_logging.formatters.x.class=torch.utils.collect_env.run",
    "hydra.job.env_set={PYTHONPATH: '{marker}'}",
    "hydra.job.config_name=other",
    "hydra.launcher.setup=['touch {marker}']",
    "hydra.launcher.partition=\"x\n#SBATCH --output={marker}\"",
    "hydra.launcher.pre_dispatch='exec(1)'",
    "hydra.launcher.ray.init.address='ray://host'",
    "hydra.sweep.subdir='../${hydra.job.num}'",
    "hydra.sweep.subdir='/{marker}'",
    "hydra.sweep.subdir='${tags.0}/x'",
    "hydra/launcher@hydra.launcher=joblib",
    "hydra/launcher='../../../{marker}'",
]  # fmt: skip


@pytest.mark.parametrize("text", [*TASK, *HYDRA])
def test_what_could_do_more_than_train_is_refused(tmp_path: Path, text: str) -> None:
    sweep = store(tmp_path / "sweep", (text.replace("{marker}", str(tmp_path / "marker")),))
    with pytest.raises(UsageError, match=r"stored (command line|configuration) must") as info:
        resumed_arguments([f"sweep.resume={sweep}"])
    assert "\n" not in str(info.value).replace("\n#SBATCH", "")


# What sweeps are made of.
NEEDED = [
    "optimizer.lr=0.1,0.01",
    "seed=range(5)",
    "data.split_seed=${seed}",
    "model=logistic,binary_mlp",
    "model=glob(*)",
    "data.folds=10",
    "optimizer.lr=tag(log, interval(0.0001, 1))",
    'optimizer.momentum=tag("if optimizer=sgd", interval(0, 0.95))',
    "model.network.hidden=choice([50], [100], [100, 100])",
    "+callbacks.x._target_=lightning.pytorch.callbacks.LearningRateMonitor",
    "callbacks.checkpoint.monitor=val/acc",
    "callbacks.checkpoint.dirpath='${paths.output_dir}/checkpoints'",
    "~callbacks.early_stopping",
    "callbacks.progress=null",
    "logger=[tensorboard,csv]",
    "paths.log_dir=/somewhere",
    "data.path=/home/me/table.csv",
    "hydra/launcher=population",
    "hydra.launcher.max_members=4",
    "hydra.launcher.cluster=ray",
    "hydra.launcher.n_jobs=-1",
    "hydra/sweeper=optuna",
    "hydra/sweeper/sampler=random",
    "hydra.sweeper.sampler.seed=3",
    "hydra.sweeper.pruner.n_startup_trials=2",
    "hydra.sweeper.n_trials=50",
    'hydra.sweeper.params={seed: "1,2"}',
    "hydra.sweeper.params={}",
    "hydra.sweep.subdir='seed=${seed}'",
    "hydra.sweep.subdir='${hydra.job.num}'",
    "hydra.launcher.timeout_min=60",
    "hydra.callbacks.sweep.filter='optimizer.lr * data.batch_size < 10 and model in [\\'logistic\\']'",
    "hydra.callbacks.sweep.max_jobs=100",
    "hydra.callbacks.sweep.max_hours=0.5",
]


@pytest.mark.parametrize("text", NEEDED)
def test_what_a_sweep_needs_is_kept(tmp_path: Path, text: str) -> None:
    resumed = resumed_arguments([f"sweep.resume={store(tmp_path / 'sweep', (text,))}"])
    assert resumed is not None
    assert text in resumed


def test_the_search_in_the_sweeps_own_folder_is_kept(tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    store(sweep, (f"hydra.sweeper.storage='sqlite:///{sweep / 'search.db'}'",))
    assert resumed_arguments([f"sweep.resume={sweep}"])


def test_the_user_may_admit_more(tmp_path: Path) -> None:
    sweep = store(tmp_path / "sweep", ("model.network._target_=my.Wide", "callbacks.last.dirpath=/scratch"))
    with pytest.raises(UsageError, match=r"type 'trust=\[my.Wide\]'"):
        resumed_arguments([f"sweep.resume={sweep}"])
    with pytest.raises(UsageError, match=r"type 'trust=\[callbacks.last.dirpath\]'"):
        resumed_arguments([f"sweep.resume={sweep}", "trust=[my.Wide]"])
    resumed = resumed_arguments([f"sweep.resume={sweep}", "trust=[my.Wide, callbacks.last.dirpath]"])
    assert resumed is not None
    assert not any(text.startswith("trust") for text in resumed)


def test_what_is_typed_takes_the_place_of_what_is_stored(tmp_path: Path) -> None:
    sweep = store(tmp_path / "sweep", hydra=("hydra.sweeper.storage='postgresql://host/db'",))
    typed = "hydra.sweeper.storage='postgresql://mine/db'"
    resumed = resumed_arguments([f"sweep.resume={sweep}", typed])
    assert resumed is not None
    assert [text for text in resumed if "postgresql" in text] == [typed]


def test_a_folder_whose_name_would_be_resolved_is_refused(tmp_path: Path) -> None:
    sweep = store(tmp_path / "${oc.env:HOME}")
    with pytest.raises(UsageError, match="must be a folder without"):
        resumed_arguments([f"sweep.resume={sweep}"])


def test_a_stored_log_folder_is_not_made(perceptron: Perceptron, tmp_path: Path) -> None:
    sweep = store(tmp_path / "sweep", (f"paths.log_dir={tmp_path / 'elsewhere'}",))
    answer = perceptron("train", f"sweep.resume={sweep}")
    assert answer.status == 0, answer.err
    assert (sweep / "1" / "metrics.json").is_file()
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("task", [
    ("trainer.max_epochs=range(0,1000000000)",),
    ("trainer.max_epochs=range(1,1000)", "data.batch_size=range(1,1000)"),
    ("hydra/sweeper=basic", "hparams_search=optuna", "trainer.max_epochs=range(0,1000000000)"),
])  # fmt: skip
def test_more_jobs_than_can_be_listed(tmp_path: Path, task: tuple[str, ...]) -> None:
    sweep = store(tmp_path / "sweep", task)
    with pytest.raises(UsageError, match="a stored sweep must have at most 100,000 jobs"):
        resumed_arguments([f"sweep.resume={sweep}"])


def test_a_search_may_draw_from_a_long_range(tmp_path: Path) -> None:
    for option in ("hydra/sweeper=optuna", "hparams_search=optuna"):
        sweep = store(tmp_path / "sweep", (option, "trainer.max_epochs=range(0,1000000000)"))
        assert "trainer.max_epochs=range(0,1000000000)" in resumed_arguments([f"sweep.resume={sweep}"])


def test_brackets_too_deep_to_parse(tmp_path: Path) -> None:
    sweep = store(tmp_path / "sweep", (f"+data.x={'{a:' * 2000}1{'}' * 2000}",))
    with pytest.raises(UsageError, match="must be able to compose the settings, got: RecursionError"):
        resumed_arguments([f"sweep.resume={sweep}"])
