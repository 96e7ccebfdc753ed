"""A run's folder, read back: nothing but plain values comes out of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perceptron.errors import UsageError
from perceptron.runs.inside import is_inside
from perceptron.runs.stored_values import read_values

# The network of runs that were made of others.
ENSEMBLE = "perceptron.models.Ensemble"


@dataclass(frozen=True)
class Run:
    """A finished or unfinished run.

    Attributes:
        folder: where it lies.
    """

    folder: Path

    @property
    def config(self) -> dict[str, Any]:
        """Resolved plain configuration."""
        return self._read("config.yaml")

    @property
    def metrics(self) -> dict[str, float | None]:
        """Final metrics under names like ``test/acc``; None where one is not defined."""
        return self._read("metrics.json")

    @property
    def provenance(self) -> dict[str, Any]:
        """Command line, commit, versions, seeds, device, duration; and what each group was chosen to be."""
        return self._read("provenance.json")

    @property
    def data_report(self) -> dict[str, Any] | None:
        """What stands out in a table of one's own; None for other data."""
        name = "data_report.json"
        return self._read(name) if (self.folder / name).is_file() else None

    @property
    def overrides(self) -> list[str]:
        """Overrides of its command line, as Hydra wrote them down."""
        name = ".hydra/overrides.yaml"
        values = self._values(name)
        if not isinstance(values, list | None):
            raise UsageError(f"a run's {name} must hold a list, got {type(values).__name__}: {self.folder / name}")
        return [str(value) for value in values or []]

    @property
    def choices(self) -> dict[str, str]:
        """Option of each configuration group, as Hydra wrote it down."""
        name = ".hydra/hydra.yaml"
        try:
            choices = self._read(name)["hydra"]["runtime"]["choices"]
            return {str(group): str(option) for group, option in choices.items() if option is not None}
        except (KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"a run's {name} must hold what was chosen of each group, got {error!r}: {self.folder / name}"
            ) from error

    @property
    def is_begun(self) -> bool:
        """Whether the run has written its settings, from which it can go on."""
        return (self.folder / "config.yaml").is_file()

    @property
    def how_to_go_on(self) -> str | None:
        """Advice for a run that was stopped; None where it has written nothing to go on from."""
        if self.is_finished:
            return f"the run in {self.folder} is finished"
        return f"go on with perceptron resume run={self.folder}" if self.is_begun else None

    @property
    def is_finished(self) -> bool:
        """Whether the run has written its results."""
        return (self.folder / "metrics.json").is_file()

    @property
    def is_ensemble(self) -> bool:
        """Whether it was made of other runs, and not trained."""
        model = self.config.get("model")
        network = model.get("network") if isinstance(model, dict) else None
        return isinstance(network, dict) and network.get("_target_") == ENSEMBLE

    def checkpoint(self, name: str = "best") -> Path:
        """Path of the checkpoint ``best`` or ``last``."""
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


def folder_of(source: Path) -> Path:
    """The folder of what a command reads: a run's own, or that in which a checkpoint lies."""
    return source if source.is_dir() else source.parent


def find_runs(folder: Path) -> list[Run]:
    """Runs in a folder at any depth, oldest first: every folder with a ``config.yaml`` of a run."""
    found = {path.parent for path in folder.rglob("config.yaml") if path.parent.name != ".hydra"}
    return [Run(path) for path in sorted(found, key=lambda path: (path / "config.yaml").stat().st_mtime_ns)]


def find_overrides(sweep: Path) -> list[Any] | None:
    """Overrides of the jobs of a sweep, as Hydra wrote them down; None where there are none to be read."""
    try:
        found = read_values(sweep / "multirun.yaml")["hydra"]["overrides"]["task"]
    except (ValueError, KeyError, TypeError):
        return None
    return list(found) if isinstance(found, list) else None


def best_of(run: Run) -> Mapping[str, Any] | None:
    """What ``provenance.json`` says of a run's best checkpoint: ``monitor``, ``mode``, ``value``; None without one."""
    best = run.provenance.get("best")
    known = isinstance(best, dict) and isinstance(best.get("value"), float) and isinstance(best.get("monitor"), str)
    return best if known else None


def monitored_value(
    best: Mapping[str, Any] | None, *, metrics: Mapping[str, float | None], monitor: str
) -> float | None:
    """The run's own metric at the reported weights, which may have been kept by another.

    Args:
        best: see ``best_of``.
        metrics: of the reported weights.
        monitor: the metric that the run monitors.
    """
    if best is None:
        return None
    return float(best["value"]) if best["monitor"] == monitor else metrics.get(monitor)


def checkpoint_path(run: Run, name: str) -> Path:
    """Path of a run's checkpoint ``best``, ``last``, or one that is named by its path.

    Raises:
        UsageError: where it is not there.
    """
    if name not in ("best", "last"):
        path = Path(name)
    elif name == "best" and run.is_finished and (best := best_of(run)) and isinstance(best.get("checkpoint"), str):
        path = run.folder / best["checkpoint"]
        if not is_inside(path, run.folder):
            raise UsageError(
                f"a run's best checkpoint must lie in its folder, got {path} in {run.folder / 'provenance.json'}; set "
                "checkpoint=last, or name a checkpoint's file"
            )
    else:
        path = run.checkpoint(name)
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in (run.folder / "checkpoints").glob("*.ckpt"))) or "none"
        raise UsageError(f"a run needs the checkpoint {name}, got {there} in {run.folder}; set checkpoint or train on")
    return path
