"""Paths in somebody else's checkpoints and configurations: nothing outside the run's own folder is changed."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tests.conftest import Perceptron

SETTINGS = ("model=softmax", "data=wine", "trainer.max_epochs=2", "logger=none")


@pytest.fixture
def run(trained: Callable[..., Path], tmp_path: Path) -> Path:
    """A copy of an unfinished run that may be tampered with."""
    folder = tmp_path / "run"
    shutil.copytree(trained(*SETTINGS), folder)
    (folder / "metrics.json").unlink()
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of the user's with files that a run could replace, move or delete."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("thesis.ckpt", "best.ckpt", "last.ckpt", "notes.txt"):
        (folder / name).write_text("mine", encoding="utf-8")
    return folder


def everything(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def change_checkpoints(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    for path in (run / "checkpoints").glob("*.ckpt"):
        contents = torch.load(path, weights_only=True)
        for name, state in contents["callbacks"].items():
            if name.startswith("ModelCheckpoint"):
                change(state)
        torch.save(contents, path)


def _as_best(path: str) -> Callable[[dict[str, Any]], None]:
    return lambda state: state.update(best_model_path=path)


def _in_best_k(path: str) -> Callable[[dict[str, Any]], None]:
    score = torch.tensor(1e9)
    return lambda state: state.update(
        best_k_models={path: score}, kth_best_model_path=path, kth_value=score, best_model_score=score
    )


def _below_its_folder(path: str) -> Callable[[dict[str, Any]], None]:
    return lambda state: state.update(dirpath="/a", best_model_path="/a/../../../../../../../../../" + path)


CHANGES = {
    "best": _as_best,
    "k best": _in_best_k,
    "kth best": lambda path: lambda state: state.update(kth_best_model_path=path),
    "last": lambda path: lambda state: state.update(last_model_path=path),
    "through its folder": _below_its_folder,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("how", ["resume", "ckpt_path"])
def test_a_best_checkpoint_elsewhere_is_refused(
    perceptron: Perceptron, run: Path, outside: Path, tmp_path: Path, change: str, how: str
) -> None:
    change_checkpoints(run, CHANGES[change](str(outside / "thesis.ckpt")))
    before = everything(tmp_path)
    if how == "resume":
        answer = perceptron("resume", f"run={run}", "trainer.max_epochs=4")
    else:
        new = f"hydra.run.dir={tmp_path / 'new'}"
        answer = perceptron("train", *SETTINGS[:2], "logger=none", "trainer.max_epochs=4", f"ckpt_path={run}", new)
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
    assert "a checkpoint must name its best checkpoints in the run's own folder, got " in answer.err
    assert everything(tmp_path) == before


def test_another_file_of_the_folder_is_no_best_checkpoint(perceptron: Perceptron, run: Path, tmp_path: Path) -> None:
    change_checkpoints(run, _in_best_k(str(run / "provenance.json")))
    before = everything(tmp_path)
    answer = perceptron("resume", f"run={run}", "trainer.max_epochs=4")
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
    assert everything(tmp_path) == before


def change_config(run: Path, **parts: dict[str, Any]) -> None:
    config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    for group, values in parts.items():
        for key, value in values.items():
            if isinstance(value, dict) and isinstance(config[group].get(key), dict):
                config[group][key] |= value
            else:
                config[group][key] = value
    (run / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


PARTS: dict[str, dict[str, dict[str, Any]]] = {
    "dirpath": {"callbacks": {"checkpoint": {"dirpath": "{mine}"}}},
    "dirpath of last": {"callbacks": {"last": {"dirpath": "{mine}"}}},
    "a relative dirpath": {"callbacks": {"last": {"dirpath": "mine"}}},
    "dirpath through ..": {"callbacks": {"last": {"dirpath": "{run}/../mine"}}},
    "filename": {"callbacks": {"checkpoint": {"filename": "../../mine/thesis"}}},
    "a path's bare name": {
        "callbacks": {
            "x": {"_target_": "lightning.pytorch.callbacks.SpikeDetection", "exclude_batches_path": "mine.json"}
        }
    },
    "another machine": {"callbacks": {"last": {"dirpath": "sftp://host/mine"}}},
    "save_dir": {"logger": {"x": {"_target_": "lightning.pytorch.loggers.CSVLogger", "save_dir": "{mine}"}}},
    "a logger's name": {
        "logger": {
            "x": {"_target_": "lightning.pytorch.loggers.CSVLogger", "save_dir": "{run}", "name": "../mine"}
        }
    },
    "a variable": {
        "logger": {
            "x": {"_target_": "lightning.pytorch.loggers.TensorBoardLogger", "save_dir": "{run}", "sub_dir": "$HOME"}
        }
    },
    "default_root_dir": {"trainer": {"default_root_dir": "{mine}"}},
    "a profiler": {
        "trainer": {
            "profiler": {
                "_target_": "lightning.pytorch.profilers.SimpleProfiler", "dirpath": "{mine}", "filename": "notes"
            }
        }
    },
    "a callback's own": {
        "callbacks": {
            "x": {"_target_": "lightning.pytorch.callbacks.OnExceptionCheckpoint", "dirpath": "{mine}"},
        }
    },
    "the project's own": {
        "callbacks": {"x": {"_target_": "perceptron.runs.checkpoints.exact_resume.ExactResume", "folder": "{mine}"}}
    },
    "a database": {
        "callbacks": {
            "x": {
                "_target_": "perceptron.callbacks.PruneHopeless", "storage": "sqlite:///{mine}/search.db",
                "study_name": "x", "number": 0, "monitor": "val/loss", "pruner": None,
            }
        }
    },
    "no output_dir": {"paths": {"output_dir": ""}},
    "output_dir, a list": {"paths": {"output_dir": ["{mine}"]}},
}  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_a_configuration_that_writes_elsewhere_is_refused(
    perceptron: Perceptron, run: Path, outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    text = json.dumps(PARTS[part]).replace("{mine}", str(outside)).replace("{run}", str(run))
    change_config(run, **json.loads(text))
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    before = everything(tmp_path)
    answer = perceptron("resume", f"run={run}", "trainer.max_epochs=4")
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
    assert answer.err.startswith("error: a stored configuration must "), answer.err
    assert everything(tmp_path) == before
    # What only reads has no use for these parts.
    answer = perceptron("evaluate", f"run={run}")
    assert answer.status == 0, answer.err
    assert everything(tmp_path) == before


def test_a_linked_folder_of_checkpoints_is_not_followed(
    perceptron: Perceptron, run: Path, outside: Path, tmp_path: Path
) -> None:
    for path in (run / "checkpoints").iterdir():
        path.replace(outside / path.name)
    (run / "checkpoints").rmdir()
    (run / "checkpoints").symlink_to(outside)
    before = everything(tmp_path)
    answer = perceptron("resume", f"run={run}", "trainer.max_epochs=4")
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
    assert everything(tmp_path) == before


def test_a_best_checkpoint_outside_is_not_read(perceptron: Perceptron, run: Path, outside: Path) -> None:
    shutil.copy(run / "checkpoints" / "last.ckpt", outside / "thesis.ckpt")
    origin = json.loads((run / "provenance.json").read_text(encoding="utf-8"))
    origin["best"]["checkpoint"] = str(outside / "thesis.ckpt")
    (run / "provenance.json").write_text(json.dumps(origin), encoding="utf-8")
    (run / "metrics.json").write_text("{}", encoding="utf-8")
    answer = perceptron("evaluate", f"run={run}")
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
    assert "a run's best checkpoint must lie in its folder" in answer.err


def test_a_moved_run_goes_on(perceptron: Perceptron, run: Path, tmp_path: Path) -> None:
    moved = run.rename(tmp_path / "elsewhere")
    answer = perceptron("resume", f"run={moved}", "trainer.max_epochs=4")
    assert answer.status == 0, answer.err
    assert (moved / "metrics.json").is_file()
    assert not run.exists()


def test_the_user_may_admit_a_folder(perceptron: Perceptron, run: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    change_config(run, callbacks={"last": {"dirpath": str(scratch)}})
    refused = perceptron("resume", f"run={run}", "trainer.max_epochs=3")
    assert refused.err.endswith("type 'trust=[callbacks.last.dirpath]'\n")
    answer = perceptron("resume", f"run={run}", "trainer.max_epochs=3", "trust=[callbacks.last.dirpath]")
    assert answer.status == 0, answer.err
    assert (scratch / "last.ckpt").is_file()
