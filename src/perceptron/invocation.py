"""How this program was started and installed, for advice that works as it is typed. Imports nothing heavy."""

import shlex
import sys
from collections.abc import Iterable, Sequence, Set
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

_PACKAGE = Path(__file__).parent
# Only a wheel carries the configuration inside the package.
_IS_CHECKOUT = not (_PACKAGE / "conf").is_dir()


def training_command() -> str:
    """The command that trains: ``python train.py`` if it was typed, else that of every installation."""
    return "python train.py" if Path(sys.argv[0]).name == "train.py" else "perceptron train"


def for_shell(argument: str, value: object) -> str:
    """An argument as it is typed in a shell, with quotes where it needs them."""
    return shlex.quote(f"{argument}={value}")


def installing_command(extra: str) -> str:
    """The command that adds an extra to this installation, and where to type it."""
    if _IS_CHECKOUT:
        return f"pip install --constraint constraints.txt --editable '.[{extra}]' in the project's folder"
    # pip keeps the distribution that is installed and adds the packages of the extra.
    return f"pip install 'perceptron-lab[{extra}]'"


def find_own_modules(targets: Iterable[str]) -> None:
    """Let Python find the user's own modules in the working folder, if no other place has them.

    Only these: on ``sys.path``, the folder would also be searched for every optional package that is not installed, and
    for plugins of Hydra.

    Args:
        targets: full names of classes or functions that the user has typed, such as ``my_networks.Wide``.
    """
    sys.meta_path.append(_WorkingFolder({target.partition(".")[0] for target in targets}))


class _WorkingFolder(MetaPathFinder):
    """Finds modules and packages of these names in the working folder."""

    def __init__(self, names: Set[str]) -> None:
        self._names = names
        self._folder = str(Path.cwd())

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is None and fullname in self._names:
            return PathFinder.find_spec(fullname, [self._folder], target)
        return None
