"""The jobs of a sweep, read from their folders: files say how each job ended. Imports nothing heavy."""

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from perceptron.errors import UsageError, reason
from perceptron.files.reading import open_regular
from perceptron.files.writing import write_text
from perceptron.runs.folder import Run

_ERROR, _PRUNED = "error.txt", "pruned.txt"
_LONGEST_REASON = 2**16


class State(StrEnum):
    """How far a job is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    PRUNED = "pruned"


@dataclass(frozen=True)
class Job:
    """A job of a sweep.

    Attributes:
        folder: of its run.
    """

    folder: Path

    @property
    def state(self) -> State:
        """How far it is; a job that was killed looks as if it were running."""
        if Run(self.folder).is_finished:
            return State.DONE
        if (self.folder / _ERROR).is_file():
            return State.FAILED
        return State.PRUNED if (self.folder / _PRUNED).is_file() else State.RUNNING

    @property
    def overrides(self) -> list[str]:
        """Its overrides, as Hydra stored them."""
        return Run(self.folder).overrides

    @property
    def setting_overrides(self) -> list[str]:
        """Its overrides without those of its place, and without those that a search adds for pruning."""
        return of_settings(self.overrides)

    @property
    def choices(self) -> dict[str, str]:
        """Option of each configuration group."""
        return Run(self.folder).choices

    @property
    def reason(self) -> str:
        """Why it failed or was pruned, in one line; empty for other jobs."""
        for name in (_ERROR, _PRUNED):
            if (self.folder / name).is_file():
                with open_regular(self.folder / name) as file:
                    return file.readline(_LONGEST_REASON).decode(errors="replace").strip()
        return ""

    def begin(self) -> None:
        """Clear the outcome of an earlier attempt."""
        for name in (_ERROR, _PRUNED):
            (self.folder / name).unlink(missing_ok=True)

    def fail(self, error: BaseException) -> None:
        """Store why it failed: in one line, followed by the traceback if it was not a user's mistake."""
        text = reason(error, lines=1)
        if not isinstance(error, UsageError):
            name = type(error).__name__
            line = name if text == name else f"{name}: {text}"
            text = "\n".join([line, "", "".join(traceback.format_exception(error))])
        write_text(self.folder / _ERROR, text.rstrip() + "\n")

    def prune(self, reason: str) -> None:
        """Store why it was stopped early."""
        write_text(self.folder / _PRUNED, reason + "\n")


def of_settings(overrides: Sequence[str]) -> list[str]:
    """The overrides of a job without those of its place, and without those that a search adds for pruning."""
    return [text for text in overrides if not text.startswith(("paths.", "+callbacks.pruning."))]


def texts_of_settings(overrides: Sequence[str]) -> dict[str, str]:
    """Text of each setting of a job's command line by its name; the last of several counts."""
    pairs = (text.partition("=") for text in of_settings(overrides))
    return {key.lstrip("+"): value for key, _, value in pairs}


def differing(jobs: Sequence[Mapping[str, str]]) -> list[str]:
    """Names of the settings in which the command lines of jobs differ, see ``texts_of_settings``."""
    names = dict.fromkeys(name for settings in jobs for name in settings)
    return [name for name in names if len({settings.get(name) for settings in jobs}) > 1]


def find_jobs(sweep: Path) -> list[Job]:
    """The jobs that were started in a sweep's folder, by number."""
    folders = (path.parent for path in sweep.glob("**/.hydra") if (path / "overrides.yaml").is_file())
    return [Job(folder) for folder in sorted(folders, key=lambda folder: natural(folder.relative_to(sweep)))]


def natural(path: Path) -> list[tuple[int, int, str]]:
    """A sort key by which 2 comes before 10, and numbers before names."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in path.parts]
