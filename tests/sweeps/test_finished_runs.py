"""Finished runs and jobs as a ranking takes them."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from perceptron.runs.folder import Run
from perceptron.runs.plain_yaml import as_yaml
from perceptron.sweeps.finished_runs import _flat, _following

LONG = "words " * 40
TEXTS = {
    "references": {"seed": 1, "data": {"seed": "${seed}", "batch_size": 32}, "monitor": "${default_monitor:${mode}}"},
    "in a list": {"tags": ["a", "${seed}"], "model": {"hidden": [3, 4]}},
    "in a folded text": {"note": f"{LONG} ${{seed}} {LONG}", "other": LONG},
    "in a text of lines": {"note": "one\ntwo ${seed}\nthree: 4\n", "data": {"note": "five\nsix: 7"}},
    "none": {"data": {"names": {}, "rows": [], "text": "a: b", "null": None}, "model": {"name": "a # b"}},
    "other keys": {"data": {"a-b": "${seed}", "c d": "${seed}", "1": 2}},
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("flow", [False, True])
def test_what_follows_from_others_is_what_the_whole_text_says(tmp_path: Path, name: str, flow: bool) -> None:
    values = TEXTS[name]
    text = yaml.safe_dump(values, default_flow_style=True, width=40) if flow else as_yaml(values)
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra" / "config.yaml").write_text(text, encoding="utf-8")
    assert _following(Run(tmp_path)) == {key for key, value in _flat(values).items() if "${" in value}


def test_a_flow_of_several_lines_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra" / "config.yaml").write_text(
        "model: {width: 3,\n  seed: '${seed}'}\ndata: [1,\n  2]\n", encoding="utf-8"
    )
    assert _following(Run(tmp_path)) == {"model.seed"}


def test_reading_jobs_and_runs_imports_nothing_heavy() -> None:
    program = """
import sys
import perceptron.sweeps.finished_runs, perceptron.sweeps.job_folders
heavy = {"numpy", "scipy", "torch", "lightning", "matplotlib", "pandas", "hydra"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_class_that_has_another_name_now_is_the_same_setting() -> None:
    former = {"callbacks": {"last": {"_target_": "perceptron.runs.last.LastCheckpoint"}}}
    current = {"callbacks": {"last": {"_target_": "perceptron.runs.checkpoints.LastCheckpoint"}}}
    assert _flat(former) == _flat(current)
