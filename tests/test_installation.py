"""What messages and documents tell people to install is this project, and not another of the same name."""

import re
import subprocess
import tomllib
from pathlib import Path

from perceptron.errors import missing_extra

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# `perceptron` on the package index belongs to another project, and so do names that are derived from it by extras.
FOREIGN = re.compile(r"pip install[^\n`]*?[\s'\"]perceptron\b(?!-lab)")


def test_no_text_names_the_package_of_another_project() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [ROOT / name for name in listed.split("\0") if name.endswith((".py", ".md", ".toml", ".yaml", "Makefile"))]
    assert len(files) > 300
    own = Path(__file__)
    assert [
        file for file in files if file != own and file.is_file() and FOREIGN.search(file.read_text(encoding="utf-8"))
    ] == []


def test_the_pattern_finds_what_it_is_for() -> None:
    assert FOREIGN.search("pip install 'perceptron[table]'")
    assert FOREIGN.search("pip install perceptron")
    assert not FOREIGN.search("pip install --constraint constraints.txt --editable '.[table]'")


def test_the_distribution_is_named_apart_from_the_package_of_another_project() -> None:
    assert PROJECT["name"] == "perceptron-lab"
    assert PROJECT["optional-dependencies"]["dev"][0].startswith("perceptron-lab[")


def test_the_advice_for_a_missing_extra_names_one_that_exists() -> None:
    told = str(missing_extra("predict needs pyarrow", "table"))
    assert told == (
        "predict needs pyarrow, got none; "
        "type pip install --constraint constraints.txt --editable '.[table]' in the project's folder"
    )
    assert "table" in PROJECT["optional-dependencies"]
