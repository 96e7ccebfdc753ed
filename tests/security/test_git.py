"""What git says of the code: none of the programs in a repository's configuration are run."""

import subprocess
from pathlib import Path

import pytest

from perceptron.runs.git import git_state
from perceptron.runs.provenance import provenance


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "src").mkdir(parents=True)
    git(folder, "init", "--quiet")
    (folder / "src" / "code.py").write_text("a = 1\n", encoding="utf-8")
    (folder / ".gitattributes").write_text("*.py filter=evil diff=evil\n", encoding="utf-8")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "a")
    return folder


def test_the_repository_of_the_code_is_named(repository: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    assert git_state(repository / "src") == {"commit": commit, "dirty": False}
    (repository / "src" / "code.py").write_text("a = 2\n", encoding="utf-8")
    assert git_state(repository / "src") == {"commit": commit, "dirty": True}


def test_the_working_folders_repository_is_not(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = git(repository, "rev-parse", "HEAD")
    monkeypatch.chdir(repository)
    monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
    found = provenance(seed=0, split_seed=0, chosen={}, device="cpu", threads=1, started="", seconds=0.0)
    assert found["git"] is None or found["git"]["commit"] != other


def test_packages_in_the_repository_of_something_else_are_not_its_code(repository: Path) -> None:
    packages = repository / ".venv" / "perceptron"
    packages.mkdir(parents=True)
    (packages / "__init__.py").touch()
    assert git_state(packages) is None


def test_no_program_of_the_configuration_is_run(repository: Path, tmp_path: Path) -> None:
    marker, program = tmp_path / "marker", tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {marker}\ncat\n", encoding="utf-8")
    program.chmod(0o755)
    hooks = repository / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "fsmonitor-watchman", "reference-transaction"):
        (hooks / name).symlink_to(program)
    settings = {
        "core.fsmonitor": program, "core.hooksPath": hooks, "core.pager": program, "core.editor": program,
        "core.sshCommand": program, "diff.external": program, "diff.evil.command": program,
        "diff.evil.textconv": program, "filter.evil.clean": program, "filter.evil.smudge": program,
        "filter.evil.process": program, "filter.evil.required": "true",
    }  # fmt: skip
    (repository / "src" / "code.py").write_text("a = 2\n", encoding="utf-8")
    for key, value in settings.items():
        git(repository, "config", key, str(value))
    subprocess.run(["git", "status"], cwd=repository, capture_output=True, check=False, timeout=20)
    assert marker.exists(), "the payload works"
    marker.unlink()
    state = git_state(repository / "src")
    assert state is not None
    assert state["dirty"] is True
    assert not marker.exists()


def test_a_filter_that_cannot_be_switched_off_is_not_run(repository: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    (repository / ".gitattributes").write_text("*.py filter=a=b\n", encoding="utf-8")
    with (repository / ".git" / "config").open("a", encoding="utf-8") as file:
        file.write(f'[filter "a=b"]\n\tclean = touch {marker}; cat\n')
    (repository / "src" / "code.py").write_text("a = 2\n", encoding="utf-8")
    state = git_state(repository / "src")
    assert state is not None
    assert state["dirty"] is None
    assert not marker.exists()


def test_a_submodules_configuration_is_not_used(repository: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "--quiet")
    git(inner, "commit", "--quiet", "--allow-empty", "--message", "b")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "src/inner")
    git(repository, "commit", "--quiet", "--message", "c")
    git(repository / "src" / "inner", "config", "core.fsmonitor", f"touch {marker}; false")
    assert git_state(repository / "src") is not None
    assert not marker.exists()
