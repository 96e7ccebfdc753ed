"""A sweep in Python: its jobs, their settings and results as DataFrames, and the ranking of its settings."""

import io
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from perceptron.errors import UsageError
from perceptron.results.frames import need_pandas
from perceptron.results.run_result import RunResult, load_run
from perceptron.results.settings import job_settings
from perceptron.runs.epoch_history import read_history
from perceptron.runs.folder import Run
from perceptron.sweeps.job_count import read_job_count, varied_settings
from perceptron.sweeps.job_folders import Job, State, find_jobs, natural
from perceptron.sweeps.sweep_folders import check_sweep_folder

if TYPE_CHECKING:
    import pandas as pd

# State of a job that has no folder.
NOT_STARTED = "not started"


def load_sweep(folder: str | Path, *, trust: Collection[str] = ()) -> "SweepResult":
    """A sweep: finished, running, killed, or with failed jobs; also of a search or a population.

    Args:
        folder: of the sweep, such as ``logs/train/multiruns/2026-11-23_16-00-00``.
        trust: see ``load_run``; for the models of its runs.

    Raises:
        UsageError: if it is no sweep's folder.
    """
    path = Path(folder)
    check_sweep_folder(path, of_a_run="use load_run")
    sweep = SweepResult(path.resolve(), trust=trust)
    if not sweep.jobs:
        raise UsageError(f"a sweep must have jobs, got none in {folder}; name the folder of a multirun")
    return sweep


class SweepResult:
    """A sweep: a row per job, the epochs of all jobs, the ranking of its settings. Nothing here imports torch.

    Which jobs there are is read once; their states and results whenever they are asked for.

    Args:
        folder: of the sweep.
        trust: see ``load_run``.
    """

    def __init__(self, folder: Path, *, trust: Collection[str] = ()) -> None:
        self.folder = folder
        self._trust = frozenset(trust)

    @cached_property
    def jobs(self) -> Mapping[str, Path]:
        """Folder of each job that was started, by its name in the sweep, such as ``3``."""
        return {row.name: row.job.folder for row in self._rows if row.job is not None}

    @cached_property
    def _rows(self) -> list["_Row"]:
        """The jobs that were started, and the sweep's others."""
        found = [_Row(str(job.folder.relative_to(self.folder)), job.overrides, job) for job in find_jobs(self.folder)]
        started = Counter(tuple(row.overrides) for row in found)
        stored = read_job_count(self.folder)
        for number, overrides in enumerate(stored.overrides if found and stored else []):
            if started[tuple(overrides)]:
                started[tuple(overrides)] -= 1
            else:
                found.append(_Row(str(number), overrides, None))
        return sorted(found, key=lambda row: natural(Path(row.name)))

    def run(self, job: str | int) -> RunResult:
        """The run of a job.

        Raises:
            UsageError: if there is no such job.
        """
        if str(job) not in self.jobs:
            raise UsageError(f"a job must be one that the sweep has started, got {job}; see jobs")
        return RunResult(self.jobs[str(job)], trust=self._trust)

    @property
    def best(self) -> RunResult:
        """The finished run with the best value of the monitored metric.

        Raises:
            UsageError: if no job is finished, or the jobs cannot be compared: other data, splits or metrics.
        """
        return load_run("best", runs=self.folder, trust=self._trust)

    def to_frame(self) -> "pd.DataFrame":
        """A row per job, with the job's name as index; also for the jobs that a killed sweep has not started.

        Columns: each setting of the command line that differs between jobs; every metric, float64, NaN where it is
        undefined or the job not finished; ``seconds``; ``state``, see ``RunResult.state``, or ``not started``;
        ``error``, why the job failed or was pruned, in one line. A search draws the settings of its jobs when it starts
        them, so that only those that were started have rows.

        Raises:
            UsageError: if pandas is not installed, or a job's files are damaged.
        """
        need_pandas("to_frame")
        import pandas as pd

        index = pd.Index(self._names(), name="job")
        settings = pd.DataFrame(self._settings(), index=index)
        results = pd.DataFrame([_results(row.job) for row in self._rows], index=index)
        last = ["seconds", "state", "error"]
        metrics = results.drop(columns=last).astype("float64")
        return settings.join([metrics, results[last]])

    def history(self) -> "pd.DataFrame":
        """The epochs of all jobs in long form: a row per job, epoch and metric.

        Columns: ``job``; the settings that differ, see ``to_frame``; ``epoch``, from 0; ``metric``; ``value``. torch is
        imported only for jobs that did not finish, or that an earlier version ran.

        Raises:
            UsageError: if pandas is not installed, or a job's files are damaged.
        """
        need_pandas("history")
        import pandas as pd

        rows = [
            (name, *own.values(), epoch, metric, value)
            for name, row, own in zip(self._names(), self._rows, self._settings(), strict=True)
            if row.job is not None
            for metric, values in read_history(Run(row.job.folder)).items()
            for epoch, value in values.items()
        ]
        return pd.DataFrame(rows, columns=["job", *self._setting_names(), "epoch", "metric", "value"])

    def summary(self) -> "pd.DataFrame":
        """What ``summary.csv`` has: a row per setting, ranked by the monitored metric; of the jobs finished by now.

        Raises:
            UsageError: see ``compare``.
        """
        return self.compare(by="monitor")

    def compare(self, by: str = "main", *, mode: Literal["min", "max"] | None = None) -> "pd.DataFrame":
        """The ranking of ``perceptron compare``: a row per setting, with intervals and paired tests against the best.

        Args:
            by: a metric; ``main``, which is test/acc or test/rmse; or ``monitor``. Test rows must not choose anything:
                rank by a test metric only to compare settings that were fixed before.
            mode: how the metric improves, if the runs do not say it.

        Raises:
            UsageError: if no job is finished, none has the metric, its direction is not known, or pandas is missing.
        """
        need_pandas("compare")
        import pandas as pd

        # Imported here, because they import scipy.
        from perceptron.sweeps.finished_runs import read_finished_run
        from perceptron.sweeps.ranking import rank
        from perceptron.sweeps.summary_files import summary_csv

        finished = [run for folder in self.jobs.values() if (run := Run(folder)).is_finished]
        if not finished:
            raise UsageError(
                f"a ranking needs finished jobs, got none in {self.folder}; see to_frame() for their states"
            )
        varied = varied_settings(map(Job, self.jobs.values()), [self.folder])
        rankings = rank([read_finished_run(run) for run in finished], by=by, mode=mode, varied=varied)
        return pd.read_csv(io.StringIO(summary_csv(rankings)))

    @property
    def failures(self) -> "pd.DataFrame":
        """The rows of ``to_frame`` whose jobs failed: their settings, and ``error``."""
        frame = self.to_frame()
        failed = frame[frame["state"] == State.FAILED]
        return failed[[*self._setting_names(), "error"]]

    def to_xarray(self) -> Any:
        """The metrics of the finished jobs as an ``xarray.Dataset``, with a dimension per setting that differs.

        Raises:
            UsageError: if xarray or pandas is not installed, or several jobs have the same settings.
        """
        try:
            import xarray  # noqa: F401
        except ImportError as error:
            raise UsageError("to_xarray needs xarray, got none; type pip install xarray") from error
        frame = self.to_frame()
        names = self._setting_names()
        finished = frame[frame["state"] == State.DONE].drop(columns=["state", "error"])
        if finished.duplicated(names).any() or not names:
            raise UsageError(
                f"to_xarray needs one job for each combination of settings, got {len(finished)} jobs with "
                f"{len(finished.drop_duplicates(names)) if names else 1} combinations; use to_frame"
            )
        return finished.set_index(names).to_xarray()

    def _settings(self) -> list[dict[str, Any]]:
        return job_settings([row.overrides for row in self._rows])

    def _setting_names(self) -> list[str]:
        return list(self._settings()[0])

    def _names(self) -> list[int | str]:
        return [int(row.name) if row.name.isdigit() else row.name for row in self._rows]

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        states = [row.state for row in self._rows]
        counts = ", ".join(f"{states.count(state)} {state}" for state in (*State, NOT_STARTED) if state in states)
        return f"SweepResult({str(self.folder)!r}, {counts})"

    def _repr_html_(self) -> str:
        """In a notebook: the rows of ``to_frame``."""
        html: str = self.to_frame().to_html(max_rows=20, border=0)
        return html


@dataclass(frozen=True)
class _Row:
    """A job of the sweep: ``job`` is None if it was not started."""

    name: str
    overrides: Sequence[str]
    job: Job | None

    @property
    def state(self) -> str:
        return NOT_STARTED if self.job is None else str(self.job.state)


def _results(job: Job | None) -> dict[str, Any]:
    """Metrics, duration, state and error of a job."""
    if job is None:
        return {"seconds": None, "state": NOT_STARTED, "error": ""}
    run, state = Run(job.folder), job.state
    if state != State.DONE:
        return {"seconds": None, "state": str(state), "error": job.reason}
    return {**run.metrics, "seconds": run.provenance.get("seconds"), "state": str(state), "error": ""}
