"""Imports run one way: train.py, composition, then data and models, which never see one another."""

import ast
import itertools
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src/perceptron"
FILES = sorted(PACKAGE.rglob("*.py"))

# Folders and files of the package, lowest first. A part imports from lower layers, never from its own: data and
# models do not see one another.
LAYERS: list[set[str]] = [
    {"garbage_collection", "invocation", "passwords", "randomness", "spelling", "tasks", "version"},
    {"errors"},
    {"terminal"},
    {"files"},
    {"data", "metrics", "networks", "plots"},
    {"models"},
    {"callbacks", "exports", "runs"},
    {"population", "prediction", "sweeps"},
    {"diagnostics", "figures", "reports"},
    {"training"},
    {"estimators"},
    {"composition"},
    {"results"},
    {"commands"},
    {"completion"},
    # What `import perceptron` offers is imported when it is used.
    {"__init__", "__main__"},
]
CONFIGURATION = {"hydra", "omegaconf"}


def _part(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imported(file: Path) -> set[str]:
    """Full names of all modules that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are written in full"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_every_part_is_listed_once() -> None:
    assert len(FILES) > 30
    assert sum(map(len, LAYERS)) == len(set().union(*LAYERS))
    assert {_part(file) for file in FILES} == set().union(*LAYERS)


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(PACKAGE)) for file in FILES])
def test_imports_run_one_way(file: Path) -> None:
    part = _part(file)
    lower: set[str] = set().union(*itertools.takewhile(lambda layer: part not in layer, LAYERS))
    imported = {name.split(".")[1] for name in _imported(file) if name.startswith("perceptron.")}
    assert imported <= lower | {part}


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(PACKAGE)) for file in FILES])
def test_the_configuration_stops_at_the_composition(file: Path) -> None:
    if _part(file) != "composition":
        assert not CONFIGURATION & {name.partition(".")[0] for name in _imported(file)}


def _module(file: Path) -> str:
    return ".".join(("perceptron", *file.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def test_no_files_import_each_other_in_a_circle() -> None:
    """Imports inside functions, and those for type checkers, count as well."""
    modules = {_module(file): file for file in FILES}
    remaining = {
        name: {found if found in modules else found.rpartition(".")[0] for found in _imported(file)} & set(modules)
        for name, file in modules.items()
    }
    assert sum(map(len, remaining.values())) > len(FILES)
    # What imports nothing that remains is in no circle.
    while leaves := {name for name, imported in remaining.items() if not imported & set(remaining)}:
        remaining = {name: imported for name, imported in remaining.items() if name not in leaves}
    assert not remaining
