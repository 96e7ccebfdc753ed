"""What Hydra's manual documents works, for one run and for each launcher."""

from pathlib import Path

import pytest
import yaml

SHORT = ("figures=none", "logger=none", "trainer.max_epochs=1")
LAUNCHERS = ("basic", "population")


def seeds(folder: Path) -> list[int]:
    """Of the jobs of a multirun."""
    return [yaml.safe_load((folder / str(job) / "config.yaml").read_text(encoding="utf-8"))["seed"] for job in range(2)]


@pytest.mark.parametrize("option", ["default", "disabled", "none", "stdout"])
def test_any_logging_of_hydras_can_be_chosen(option: str, perceptron, tmp_path: Path) -> None:
    loggings = (f"hydra/job_logging={option}", f"hydra/hydra_logging={'none' if option == 'stdout' else option}")
    assert perceptron("train", *SHORT, *loggings, f"hydra.run.dir={tmp_path}/run").status == 0
    for launcher in LAUNCHERS:
        multirun = ("-m", f"hydra/launcher={launcher}", "seed=1,2", f"hydra.sweep.dir={tmp_path}/{launcher}")
        assert perceptron("train", *SHORT, *loggings, *multirun).status == 0
    logs = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.log")}
    jobs = ("run", "basic/0", "basic/1", "population/0", "population/1")
    name = {"default": "command_line"}.get(option)
    assert logs == ({f"{job}/{name}.log" for job in jobs} if name else set())


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_job_can_have_its_number_for_a_setting(launcher: str, perceptron, tmp_path: Path) -> None:
    typed = ("seed=${hydra:job.num}", "optimizer.lr=0.1,0.2", f"hydra/launcher={launcher}")
    assert perceptron("train", "-m", *SHORT, *typed, f"hydra.sweep.dir={tmp_path}").status == 0
    assert seeds(tmp_path) == [0, 1]


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_the_sweepers_settings_say_what_is_swept(launcher: str, perceptron, tmp_path: Path) -> None:
    typed = ("+hydra.sweeper.params={seed:'3,4'}", f"hydra/launcher={launcher}")
    assert perceptron("train", "-m", *SHORT, *typed, f"hydra.sweep.dir={tmp_path}").status == 0
    assert seeds(tmp_path) == [3, 4]


@pytest.mark.parametrize(
    "typed", [("--config-dir", "{}"), ("hydra.searchpath=[file://{}]",), ("hydra.searchpath=[{}]",)]
)
def test_groups_and_roots_of_ones_own_are_found(typed: tuple[str, ...], perceptron, tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "model").mkdir(parents=True)
    (own / "model/small.yaml").write_text("defaults: [binary_mlp, _self_]\nnetwork:\n  hidden: [3]\n", encoding="utf-8")
    (own / "mine.yaml").write_text("defaults: [train, _self_]\nseed: 7\n", encoding="utf-8")
    found = [text.format(own) for text in typed]
    root = ["--config-name", "mine"] if len(typed) > 1 else ["seed=7"]
    assert perceptron("train", *SHORT, *root, *found, "model=small", f"hydra.run.dir={tmp_path}/run").status == 0
    config = yaml.safe_load((tmp_path / "run/config.yaml").read_text(encoding="utf-8"))
    assert (config["seed"], config["model"]["network"]["hidden"]) == (7, [3])
    answer = perceptron("train", *root, *found, "model=smal")
    assert (answer.status, answer.err) == (2, "error: there is no model=smal; did you mean small?\n")


def test_a_root_of_ones_own_can_say_where_else_to_look_and_what_is_swept(perceptron, tmp_path: Path) -> None:
    (tmp_path / "more/model").mkdir(parents=True)
    (tmp_path / "more/model/small.yaml").write_text("defaults: [logistic, _self_]\n", encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(
        "defaults: [train, _self_]\n"
        f"hydra:\n  searchpath: [{tmp_path}/more]\n  sweeper:\n    params: {{seed: '3,4'}}\n",
        encoding="utf-8",
    )
    root = ("--config-dir", tmp_path, "--config-name", "mine", "model=small")
    assert perceptron("train", "-m", *SHORT, *root, f"hydra.sweep.dir={tmp_path}/sweep").status == 0
    assert seeds(tmp_path / "sweep") == [3, 4]


def test_a_run_can_have_its_results_in_another_folder(perceptron, tmp_path: Path) -> None:
    typed = (*SHORT, f"hydra.run.dir={tmp_path}/run", f"paths.output_dir={tmp_path}/own/folder")
    assert perceptron("train", *typed).status == 0
    assert (tmp_path / "own/folder/metrics.json").is_file()
    assert perceptron("train", *typed, "data.class_weights=balanced", "data=diabetes", "model=linear").status == 2


def test_a_multirun_can_be_asked_for_by_hydras_mode(perceptron, tmp_path: Path) -> None:
    typed = ("hydra.mode=MULTIRUN", "seed=3,4", f"hydra.sweep.dir={tmp_path}")
    assert perceptron("train", *SHORT, *typed).status == 0
    assert seeds(tmp_path) == [3, 4]


def test_a_root_of_ones_own_can_ask_for_a_multirun(perceptron, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "defaults: [train, _self_]\nhydra: {mode: MULTIRUN}\nseed: ${hydra:job.num}\n", encoding="utf-8"
    )
    root = ("--config-dir", tmp_path, "--config-name", "mine", "optimizer.lr=0.1,0.2")
    assert perceptron("train", *SHORT, *root, f"hydra.sweep.dir={tmp_path}/sweep").status == 0
    assert seeds(tmp_path / "sweep") == [0, 1]


@pytest.mark.parametrize(
    ("root", "line"),
    [
        ("defaults: [mine, _self_]", "Hydra must be able to compose the settings, got: RecursionError: "),
        ("seed: [1", "Hydra must be able to compose the settings, got: ParserError: while parsing a flow sequence; in"),
    ],
)
def test_a_root_that_cannot_be_read_is_one_line(root: str, line: str, perceptron, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(f"{root}\n", encoding="utf-8")
    answer = perceptron("train", "--config-dir", tmp_path, "--config-name", "mine", f"hydra.run.dir={tmp_path}/run")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert answer.err.startswith(f"error: {line}")
    assert not (tmp_path / "run").exists()


def test_a_logging_that_python_does_not_take_is_one_line(command) -> None:
    answer = command("train.py", "hydra.job_logging.root.level=LOUD")
    assert (answer.returncode, answer.stderr) == (
        2,
        "error: Hydra must be able to compose the settings, got: ValueError: Unable to configure root logger, "
        "ValueError: Unknown level: 'LOUD'; correct the configuration or hydra.job_logging.root.level=LOUD\n",
    )


def test_a_run_without_the_check_is_refused(perceptron, tmp_path: Path) -> None:
    answer = perceptron("train", *SHORT, "~hydra.callbacks.check", f"hydra.run.dir={tmp_path}/run")
    assert (answer.status, answer.err) == (
        2,
        "error: a run must be checked before it starts, got a configuration without hydra.callbacks.check; leave "
        "hydra.callbacks as it is\n",
    )
    assert not (tmp_path / "run").exists()


def test_a_verbose_hydra_prints_what_was_asked_for_and_then_the_line(command) -> None:
    answer = command("train.py", "hydra.verbose=true", "seed=-1")
    assert answer.returncode == 2
    assert answer.stderr.endswith("error: seed must be from 0 to 2**32 - 1, got -1; set seed\n")


def test_what_lay_in_the_folder_of_a_refused_run_stays(
    tmp_path: Path, perceptron, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = (*SHORT, "trainer.limit_train_batches=0.001")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/mine.log").write_text("mine", encoding="utf-8")
    assert perceptron("train", *refused, f"hydra.run.dir={tmp_path}/run").status == 2
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["mine.log"]
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert perceptron("train", *refused, "hydra.run.dir=.").status == 2
    assert here.is_dir()
    assert list(here.iterdir()) == []
