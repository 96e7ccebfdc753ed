"""A run's folder, read as plain values. Imports nothing heavy."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perceptron.errors import UsageError
from perceptron.files.containment import is_inside
from perceptron.files.plain_values import read_values
from perceptron.invocation import for_shell

# The network of a run that `perceptron ensemble` has made of others.
ENSEMBLE = "perceptron.models.Ensemble"
# Holds an estimator of scikit-learn, which is not stored, in the place of a network.
_ESTIMATOR = "perceptron.models.Estimator"

# Former names of classes in the configurations of earlier versions.
RENAMED_TARGETS = {"perceptron.runs.last.LastCheckpoint": "perceptron.runs.checkpoints.LastCheckpoint"}


@dataclass(frozen=True)
class Run:
    """A finished or unfinished run. Its properties read the folder's files, and raise a ``UsageError`` if they cannot.

    Attributes:
        folder: of the run.
    """

    folder: Path

    @property
    def config(self) -> dict[str, Any]:
        """Resolved plain configuration."""
        return self._read("config.yaml")

    @property
    def metrics(self) -> dict[str, float | None]:
        """Final metrics under names like ``test/acc``; None if undefined."""
        return self._read("metrics.json")

    @property
    def provenance(self) -> dict[str, Any]:
        """Command line, commit, versions, seeds, device, duration, and the option chosen of each group."""
        return self._read("provenance.json")

    @property
    def best(self) -> Mapping[str, Any] | None:
        """The best checkpoint's ``monitor``, ``mode``, ``value`` and ``checkpoint``; None without one."""
        best = self.provenance.get("best")
        known = isinstance(best, dict) and isinstance(best.get("value"), float) and isinstance(best.get("monitor"), str)
        return best if known else None

    @property
    def data_report(self) -> dict[str, Any] | None:
        """Findings about a user-supplied table; None for other data."""
        name = "data_report.json"
        return self._read(name) if (self.folder / name).is_file() else None

    @property
    def overrides(self) -> list[str]:
        """Overrides of its command line, as Hydra has stored them."""
        name = ".hydra/overrides.yaml"
        values = self._values(name)
        if not isinstance(values, list | None):
            raise UsageError(f"a run's {name} must hold a list, got {type(values).__name__}: {self.folder / name}")
        return [str(value) for value in values or []]

    @property
    def choices(self) -> dict[str, str]:
        """Option of each configuration group, as Hydra has stored it."""
        name = ".hydra/hydra.yaml"
        try:
            choices = self._read(name)["hydra"]["runtime"]["choices"]
            return {str(group): str(option) for group, option in choices.items() if option is not None}
        except (KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"a run's {name} must hold the option of each group, got {error!r}: {self.folder / name}"
            ) from error

    @property
    def has_config(self) -> bool:
        """Whether the run has written its settings, from which it can be resumed."""
        return (self.folder / "config.yaml").is_file()

    @property
    def is_finished(self) -> bool:
        """Whether the run has written its results."""
        return (self.folder / "metrics.json").is_file()

    @property
    def is_ensemble(self) -> bool:
        """Whether it was made from other runs instead of being trained."""
        model = self.config.get("model")
        network = model.get("network") if isinstance(model, dict) else None
        return isinstance(network, dict) and network.get("_target_") == ENSEMBLE

    @property
    def is_estimator(self) -> bool:
        """Whether its model is an estimator of scikit-learn."""
        model = self.config.get("model")
        return isinstance(model, dict) and model.get("_target_") == _ESTIMATOR

    @property
    def resume_advice(self) -> str | None:
        """How to continue a run that was stopped; None if it has not written its settings."""
        if self.is_finished:
            return f"the run in {self.folder} is finished"
        return f"continue with perceptron resume {for_shell('run', self.folder)}" if self.has_config else None

    def checkpoint(self, name: str = "best") -> Path:
        """Default path of the checkpoint ``best`` or ``last``."""
        return self.folder / "checkpoints" / f"{name}.ckpt"

    def _read(self, name: str) -> dict[str, Any]:
        values = self._values(name)
        if not isinstance(values, dict):
            raise UsageError(
                f"a run's {name} must hold names and values, got {type(values).__name__}: {self.folder / name}"
            )
        return values

    def _values(self, name: str) -> Any:
        path = self.folder / name
        try:
            return read_values(path)
        except ValueError as error:
            raise UsageError(f"a run's {name} must be readable, got {error} in {path}; name another run") from error


def find_runs(folder: Path) -> list[Run]:
    """Runs in a folder at any depth, oldest first: the folders that hold a run's ``config.yaml``."""
    found = {path.parent for path in folder.rglob("config.yaml") if path.parent.name != ".hydra"}
    return [Run(path) for path in sorted(found, key=lambda path: (path / "config.yaml").stat().st_mtime_ns)]


def folder_of(source: Path) -> Path:
    """The folder of a command's source: the run's folder itself, or the one that holds a checkpoint file."""
    return source if source.is_dir() else source.parent


def sweep_overrides(sweep: Path) -> list[Any] | None:
    """Overrides of a sweep's jobs, as Hydra has stored them; None if they cannot be read."""
    try:
        found = read_values(sweep / "multirun.yaml")["hydra"]["overrides"]["task"]
    except (ValueError, KeyError, TypeError):
        return None
    return list(found) if isinstance(found, list) else None


def sweep_filter(sweep: Path) -> str | None:
    """The filter of a sweep, as Hydra has stored it; None if it has none, or it cannot be read."""
    try:
        found = read_values(sweep / "multirun.yaml")["hydra"]["callbacks"]["sweep"].get("filter")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return None if found is None else str(found)


def monitored_value(
    best: Mapping[str, Any] | None, *, metrics: Mapping[str, float | None], monitor: str
) -> float | None:
    """Value of the run's monitored metric at the reported weights, which another metric may have selected.

    Args:
        best: see ``Run.best``.
        metrics: of the reported weights.
        monitor: the metric that the run monitors.
    """
    if best is None:
        return None
    return float(best["value"]) if best["monitor"] == monitor else metrics.get(monitor)


def checkpoint_path(run: Run, name: str) -> Path:
    """Path of a run's checkpoint.

    Args:
        run: whose checkpoint is wanted.
        name: ``best``, ``last``, or the path of a file.

    Raises:
        UsageError: if it does not exist.
    """
    if name not in ("best", "last"):
        path = Path(name)
    elif name == "best" and run.is_finished and (best := run.best) and isinstance(best.get("checkpoint"), str):
        path = run.folder / best["checkpoint"]
        if not is_inside(path, run.folder):
            raise UsageError(
                f"a run's best checkpoint must lie in its folder, got {path} in {run.folder / 'provenance.json'}; set "
                "checkpoint=last, or name a checkpoint's file"
            )
    else:
        path = run.checkpoint(name)
    if not path.is_file():
        if run.is_estimator:
            raise UsageError(
                f"a run must have weights, got {run.folder} of an estimator of scikit-learn, which is not stored; name "
                "the run of a network"
            )
        found = ", ".join(sorted(file.stem for file in (run.folder / "checkpoints").glob("*.ckpt"))) or "none"
        raise UsageError(f"a run needs the checkpoint {name}, got {found} in {run.folder}; set checkpoint or train on")
    return path
