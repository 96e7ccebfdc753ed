"""Hydra's callback that registers resolvers of the user's own. Imports nothing heavy."""

import inspect
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from perceptron.composition.callback_errors import ending_the_program
from perceptron.errors import UsageError, reason

_KEY = "hydra.callbacks.resolvers.file"


class OwnResolvers(Callback):
    """Makes the functions of a Python file resolvers of their names: ``${half:3}`` calls ``half(3)``.

    The file is code that runs. It is named in ``conf`` or on the command line alone: a stored run holds plain values
    and none of Hydra's settings, and a stored sweep that names such a file is refused.

    Args:
        file: path; None for no resolvers.
    """

    def __init__(self, file: str | None = None) -> None:
        # Here, for a job may have another working folder.
        self._file = None if file is None else Path(file).expanduser().absolute()

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ARG002
        """Register them before the settings are checked."""
        self._register()

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ARG002
        """Register them before the settings are checked."""
        self._register()

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ARG002
        """Register them in the process of a launcher that has its own."""
        self._register()

    def _register(self) -> None:
        if self._file is not None:
            with ending_the_program():
                for name, function in _functions(self._file).items():
                    OmegaConf.register_new_resolver(name, function, replace=True)


def _functions(file: Path) -> dict[str, Callable[..., Any]]:
    """The functions that a file defines, without those whose names begin with an underscore.

    Raises:
        UsageError: where it cannot be run, defines none, or takes the name of a resolver of another origin.
    """
    spec = spec_from_file_location(f"own_resolvers_{file.stem}", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise UsageError(f"{_KEY} must be a Python file, got {file}; write it, or set {_KEY}=null")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    # Whatever its code raises.
    except Exception as error:
        raise UsageError(f"{_KEY} must be a file that runs, got {reason(error, lines=1)} in {file}; mend it") from error
    found: dict[str, Callable[..., Any]] = {
        name: function
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
    }
    if not found:
        raise UsageError(f"{_KEY} must define functions, got none in {file}; write one, or set {_KEY}=null")
    for name in found:
        if OmegaConf.has_resolver(name) and name not in _registered:
            raise UsageError(f"a resolver must have a name of its own, got {name} in {file}; rename it")
    _registered.update(found)
    return found


# Those of a former call in this process.
_registered: set[str] = set()
