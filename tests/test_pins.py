"""pip and uv install the same versions, and those of the packages that pyproject.toml asks for are pinned."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PINS = [
    line
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


OLDEST = dict(
    line.split("==")
    for line in (ROOT / "constraints-oldest.txt").read_text(encoding="utf-8").splitlines()
    if "==" in line
)

# Of tools and trackers, which train nothing.
NOT_TRIED = {"docs", "mlflow", "wandb"}


def _name(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=! ]", requirement)[0]).lower()


def test_uv_has_the_versions_that_pip_has() -> None:
    assert PROJECT["tool"]["uv"]["constraint-dependencies"] == PINS, "type make pins"


def test_a_package_has_one_version() -> None:
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in PINS)
    assert len({_name(pin) for pin in PINS}) == len(PINS)


@pytest.mark.parametrize("extra", ["", *PROJECT["project"]["optional-dependencies"]])
def test_what_is_asked_for_is_pinned(extra: str) -> None:
    project = PROJECT["project"]
    asked = project["optional-dependencies"][extra] if extra else project["dependencies"]
    assert {_name(requirement) for requirement in asked} - {_name(project["name"])} <= {_name(pin) for pin in PINS}


@pytest.mark.parametrize("extra", ["", *sorted({*PROJECT["project"]["optional-dependencies"]} - NOT_TRIED)])
def test_the_oldest_versions_that_are_admitted_are_those_that_were_tried(extra: str) -> None:
    project = PROJECT["project"]
    asked = project["optional-dependencies"][extra] if extra else project["dependencies"]
    oldest = {_name(name): Version(version) for name, version in OLDEST.items()}
    for requirement in map(Requirement, asked):
        floors = [Version(part.version) for part in requirement.specifier if part.operator in (">=", "==")]
        if floors:
            found = oldest[_name(requirement.name)].release
            assert found[: len(floors[0].release)] == floors[0].release, requirement
