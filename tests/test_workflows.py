"""The workflows of GitHub, which run nowhere else: their linter passes, and each names a version of what it uses."""

import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yaml"))
UNSAFE = """
on: pull_request_target
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@main
      - run: echo "${{ github.event.pull_request.title }}"
"""


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    zizmor = shutil.which("zizmor", path=sysconfig.get_path("scripts"))
    if zizmor is None:
        pytest.skip("zizmor is not installed; it comes with the extra dev")
    return subprocess.run(
        [zizmor, "--offline", "--quiet", "--no-progress", folder], capture_output=True, encoding="utf-8", check=False
    )


def test_the_linter_passes() -> None:
    linted = _lint(ROOT / ".github")
    assert linted.returncode == 0, linted.stdout


def test_the_linter_finds_what_is_unsafe(tmp_path: Path) -> None:
    (tmp_path / ".github/workflows").mkdir(parents=True)
    (tmp_path / ".github/workflows/unsafe.yaml").write_text(UNSAFE, encoding="utf-8")
    linted = _lint(tmp_path)
    assert linted.returncode != 0
    assert "template-injection" in linted.stdout


@pytest.mark.parametrize("file", WORKFLOWS, ids=[file.stem for file in WORKFLOWS])
def test_an_action_is_pinned_to_a_commit_with_its_version_beside_it(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    used = re.findall(r"uses: (.*)", text)
    assert used
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action) for action in used)


def test_every_system_and_the_oldest_and_newest_python_are_tested() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yaml").read_text(encoding="utf-8"))
    matrix = workflow["jobs"]["fast"]["strategy"]["matrix"]
    assert {system.split("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert matrix["python"] == ["3.11", "3.14"]
