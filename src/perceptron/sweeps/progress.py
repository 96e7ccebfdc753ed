"""The progress of a sweep, read from its folder, so that it works wherever the jobs run."""

import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column

from perceptron.sweeps.job_folders import Job, State, find_jobs
from perceptron.terminal.notebook import shows_bars
from perceptron.terminal.status import clear

_SECONDS_BETWEEN_LOOKS = 0.5
# File systems use a coarser clock.
_CLOCKS_DIFFER = 0.1


@dataclass(frozen=True, kw_only=True)
class Count:
    """Number of a sweep's jobs by state.

    Attributes:
        done: finished or pruned.
        failed: failed since the sweep was started or resumed.
        running: begun since then and still running.
        total: of all; None if it is not known in advance.
    """

    done: int
    failed: int
    running: int
    total: int | None

    @property
    def ended(self) -> int:
        """Done or failed."""
        return self.done + self.failed


class SweepProgress:
    """Shows the number of jobs and the time left while a sweep runs: as a bar where there can be one, else as lines.

    A thread looks at the folder twice a second, because with most launchers the jobs run in other processes.

    Args:
        folder: of the sweep.
        total: number of its jobs; None if it is not known in advance.
    """

    def __init__(self, folder: Path, *, total: int | None) -> None:
        self.folder = folder
        self.total = total
        self.started = time.time()
        self._at_end: dict[Path, State] = {}
        self._before = self.count().ended
        # Jobs that had ended when the last of them did, and when that was.
        self._last_ended, self._last_end = self._before, self.started
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="sweep progress")

    def start(self) -> None:
        """Start the display."""
        clear()
        self._thread.start()

    def stop(self) -> None:
        """Show the final state and stop."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join()

    def count(self) -> Count:
        """Count the jobs by state."""
        states = [self._state(job) for job in find_jobs(self.folder)] if self.folder.is_dir() else []
        return Count(
            done=states.count(State.DONE) + states.count(State.PRUNED),
            failed=states.count(State.FAILED),
            running=states.count(State.RUNNING),
            total=self.total,
        )

    def line(self, count: Count) -> str:
        """A count in words."""
        of = "" if count.total is None else f" of {count.total}"
        parts = [f"{count.done}{of} done", f"{count.running} running"]
        parts += [f"{count.failed} failed"] if count.failed else []
        if (seconds := self._seconds_left(count)) is not None:
            parts.append(f"about {_duration(seconds)} left")
        return ", ".join(parts)

    def _seconds_left(self, count: Count) -> float | None:
        """Seconds that the remaining jobs take, by the pace at the last end of a job; None where nothing tells."""
        now = time.time()
        if count.ended > self._last_ended:
            self._last_ended, self._last_end = count.ended, now
        new = count.ended - self._before
        if count.total is None or new <= 0 or count.total <= count.ended:
            return None
        pace, left = (self._last_end - self.started) / new, count.total - count.ended
        # While jobs run, the time falls, at most by what the running ones were to take.
        seconds = max(pace * left - (now - self._last_end), pace * max(left - count.running, 0))
        return seconds if seconds > 0 else None

    def _state(self, job: Job) -> State | None:
        """State of a job since the start; None for one that an earlier attempt left and that waits to be run again."""
        if job.folder in self._at_end:
            return self._at_end[job.folder]
        state = job.state
        begun = (job.folder / ".hydra" / "overrides.yaml").stat().st_mtime >= self.started - _CLOCKS_DIFFER
        if state in (State.DONE, State.PRUNED) or (state == State.FAILED and begun):
            self._at_end[job.folder] = state
        return state if begun or state in (State.DONE, State.PRUNED) else None

    def _watch(self) -> None:
        console = Console(stderr=True)
        if not shows_bars(console):
            self._print_lines()
            return
        # A column that may wrap is narrowed before the others are cut.
        columns = (
            TextColumn("sweep"),
            BarColumn(table_column=Column()),
            TextColumn("{task.description}", markup=False),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("", total=self.total)
            ended = False
            while not ended:
                ended = self._stopped.wait(_SECONDS_BETWEEN_LOOKS)
                count = self.count()
                bar.update(task, completed=count.ended, description=self.line(count))

    def _print_lines(self) -> None:
        shown, ended = self._before, False
        while not ended:
            ended = self._stopped.wait(_SECONDS_BETWEEN_LOOKS)
            count = self.count()
            if count.ended != shown:
                shown = count.ended
                print(f"sweep  {self.line(count)}", file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
