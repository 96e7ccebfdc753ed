from pathlib import Path

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from perceptron.composition.sweeps.command_backup import back_up_command
from perceptron.composition.sweeps.resume import resumed_arguments
from perceptron.errors import UsageError


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    hydra = {
        "overrides": {
            "task": ["seed=1,2"],
            "hydra": ["hydra/launcher=joblib", "hydra.mode=MULTIRUN", "hydra.sweep.dir=x"],
        },
        "runtime": {
            "config_sources": [{"path": "/conf", "provider": "command-line"}, {"path": "p", "provider": "main"}]
        },
        "job": {"config_name": "train"},
    }
    (tmp_path / "multirun.yaml").write_text(yaml.safe_dump({"hydra": hydra}), encoding="utf-8")
    return tmp_path


def test_other_command_lines_are_left_alone() -> None:
    assert resumed_arguments(["-m", "seed=1,2"]) is None


def test_the_same_command_line_in_the_same_folder(sweep: Path) -> None:
    assert resumed_arguments(["-m", f"sweep.resume={sweep}", "hydra.launcher.n_jobs=4", "trust=[/conf]"]) == [
        "-m",
        "--config-dir",
        "/conf",
        "hydra/launcher=joblib",
        "seed=1,2",
        f"hydra.sweep.dir='{sweep}'",
        "hydra.launcher.n_jobs=4",
    ]


def test_other_settings_are_refused(sweep: Path) -> None:
    with pytest.raises(UsageError, match=r"got optimizer.lr=1 beside sweep.resume"):
        resumed_arguments([f"sweep.resume={sweep}", "optimizer.lr=1"])


def test_limits_of_the_resumed_sweep_replace_those_that_are_stored(sweep: Path) -> None:
    stored = yaml.safe_load((sweep / "multirun.yaml").read_text(encoding="utf-8"))
    own = ["hydra.callbacks.sweep.filter='seed < 2'", "hydra.callbacks.sweep.max_hours=8"]
    stored["hydra"]["overrides"]["hydra"] += own
    (sweep / "multirun.yaml").write_text(yaml.safe_dump(stored), encoding="utf-8")
    found = resumed_arguments([f"sweep.resume={sweep}", "sweep.max_hours=null", "sweep.max_jobs=9", "trust=[/conf]"])
    assert found is not None
    assert [text for text in found if "callbacks" in text] == [
        own[0],
        "hydra.callbacks.sweep.max_hours=null",
        "hydra.callbacks.sweep.max_jobs=9",
    ]


@pytest.mark.parametrize("text", ["sweep.filter=seed < 1", "sweep.filter=null", "hydra.callbacks.sweep.filter=null"])
def test_another_filter_is_refused(sweep: Path, text: str) -> None:
    with pytest.raises(UsageError, match="a sweep is resumed with its own settings, got"):
        resumed_arguments([f"sweep.resume={sweep}", text, "trust=[/conf]"])


@pytest.mark.parametrize(
    "damaged",
    [b"hydra: [1", b"\xff\xfe", b"", b"[hydra]", b"hydra: 3", b"hydra: {job: {}}", b"hydra: {overrides: {hydra: [3]}}"],
)
def test_a_damaged_record_is_refused(sweep: Path, damaged: bytes) -> None:
    (sweep / "multirun.yaml").write_bytes(damaged)
    with pytest.raises(UsageError, match="must be the folder of a sweep"):
        resumed_arguments([f"sweep.resume={sweep}"])


@pytest.mark.parametrize("kept", [0, 100])
def test_a_command_that_was_cut_short_is_the_one_before(sweep: Path, kept: int) -> None:
    typed = [f"sweep.resume={sweep}", "trust=[/conf]"]
    arguments = resumed_arguments(typed)
    back_up_command(sweep)
    # Hydra begins to write it anew, and the disk is full.
    text = (sweep / "multirun.yaml").read_bytes()
    (sweep / "multirun.yaml").write_bytes(text[:kept])
    assert resumed_arguments(typed) == arguments
    assert (sweep / "multirun.yaml").read_bytes() == text
    # What was cut is no copy.
    (sweep / "multirun.yaml").write_bytes(text[:kept])
    back_up_command(sweep)
    assert resumed_arguments(typed) == arguments


def test_a_folder_with_a_quote_in_its_name(sweep: Path) -> None:
    folder = sweep.rename(sweep.with_name("dot's \\'sweeps"))
    arguments = resumed_arguments([f"sweep.resume={folder}", "trust=[/conf]"])
    assert arguments is not None
    (parsed,) = OverridesParser.create().parse_overrides([arguments[-1]])
    assert parsed.value() == str(folder)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="must be the folder of a sweep"):
        resumed_arguments([f"sweep.resume={tmp_path}"])


@pytest.mark.parametrize(
    ("task", "config", "key"),
    [
        (["data=table", "data.path=rows.csv"], {"data": {"path": "rows.csv"}}, "data.path=rows.csv"),
        (["data=table", "data.path=/rows.csv,more.csv"], {"data": {"path": "???"}}, "data.path=more.csv"),
        (["data=mine"], {"data": {"path": "/rows.csv", "test_path": "rows.csv"}}, "data.test_path=rows.csv"),
    ],
)
def test_relative_paths_are_refused_in_another_folder(
    sweep: Path, monkeypatch: pytest.MonkeyPatch, task: list[str], config: dict[str, object], key: str
) -> None:
    stored = yaml.safe_load((sweep / "multirun.yaml").read_text(encoding="utf-8"))
    stored["hydra"]["overrides"]["task"] = task
    stored["hydra"]["runtime"]["cwd"] = str(sweep)
    (sweep / "multirun.yaml").write_text(yaml.safe_dump(stored | config), encoding="utf-8")
    typed = [f"sweep.resume={sweep}", "trust=[/conf]"]
    monkeypatch.chdir(sweep)
    assert resumed_arguments(typed)
    (sweep / "other").mkdir()
    monkeypatch.chdir(sweep / "other")
    with pytest.raises(UsageError, match=rf"to which {key} is relative, got .*other; change to {sweep}, or type"):
        resumed_arguments(typed)
    assert resumed_arguments([f"sweep.resume={sweep}", f"trust=[/conf,{key.partition('=')[0]}]"])
