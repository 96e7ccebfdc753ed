"""A run in Python: what its folder holds, its model and its predictions."""

import logging
from collections.abc import Collection, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perceptron.errors import UsageError, missing_extra
from perceptron.results.frames import need_pandas
from perceptron.runs.epoch_history import read_history
from perceptron.runs.folder import Run
from perceptron.runs.lookup import find_run
from perceptron.sweeps.job_folders import Job, State

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from perceptron.composition.stored.restore import Restored
    from perceptron.data import TableDataModule
    from perceptron.diagnostics import Objection
    from perceptron.models import TaskModule

log = logging.getLogger(__name__)

# Shown in a notebook; the others are in ``figures``.
_SHOWN_FIGURES = ("curves", "confusion", "residuals", "decision_boundary", "descent")


def load_run(
    run: str | Path = "latest",
    *,
    runs: str | Path = "logs",
    checkpoint: str = "best",
    overrides: Sequence[str] = (),
    trust: Collection[str] = (),
) -> "RunResult":
    """A run, finished or not.

    Args:
        run: its folder; ``latest``, the run that was started last; or ``best``, the finished one with the best value of
            the monitored metric.
        runs: folder from which ``latest`` and ``best`` choose.
        checkpoint: the weights of ``model`` and ``predict``: ``best``, ``last``, or the path of a file.
        overrides: settings that replace the stored ones, such as ``data.path=other.csv``.
        trust: classes outside the project that the stored settings may name; without it they are refused, because
            building them runs their code.

    Raises:
        UsageError: if there is no such run, or an override is wrong.
    """
    found = find_run(str(run), among=Path(runs), with_checkpoint=False)
    result = RunResult(found.folder, checkpoint=checkpoint, overrides=overrides, trust=trust)
    if overrides:
        # Checks them.
        _ = result.config
    return result


class RunResult:
    """A run: the files of its folder as plain values and DataFrames, its model, its predictions.

    The files are read when they are asked for, and nothing in them is run: see docs/security.md. torch is imported only
    for ``model``, ``predict``, ``datamodule``, the history of an unfinished run, and overrides.

    Args:
        folder: of the run.
        checkpoint, overrides, trust: see ``load_run``.
    """

    def __init__(
        self,
        folder: Path,
        *,
        checkpoint: str = "best",
        overrides: Sequence[str] = (),
        trust: Collection[str] = (),
    ) -> None:
        self._run = Run(folder)
        self._checkpoint = checkpoint
        self._overrides = tuple(overrides)
        self._trust = frozenset(trust)

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self._run.folder

    @property
    def state(self) -> str:
        """``done``, ``failed`` or ``pruned``; ``running`` also for a run that was killed or interrupted."""
        return str(Job(self.folder).state)

    @property
    def metrics(self) -> dict[str, float]:
        """Final loss and metrics under names like ``test/acc``; NaN where undefined.

        Raises:
            UsageError: if the run is not finished.
        """
        if not self._run.is_finished:
            job = Job(self.folder)
            advice = self._run.resume_advice or "train again"
            said = f"{job.state}: {job.reason}" if job.reason else str(job.state)
            raise UsageError(f"a run has metrics when it is finished, got {said} in {self.folder}; {advice}")
        return {name: float("nan") if value is None else float(value) for name, value in self._run.metrics.items()}

    @property
    def config(self) -> dict[str, Any]:
        """The resolved settings, as in ``config.yaml``, with the overrides of ``load_run``.

        Raises:
            UsageError: if the file is damaged; with overrides also if one is wrong, or the file names a class that is
                not in ``trust``.
        """
        if not self._overrides:
            return self._run.config
        # Imported here, because it imports torch.
        from perceptron.composition.stored.config_file import overridden_config

        return overridden_config(self._run, overrides=self._overrides, trust=self._trust)

    @property
    def provenance(self) -> dict[str, Any]:
        """Command line, commit, versions, seeds, device, duration, as in ``provenance.json``; of a finished run."""
        return self._run.provenance

    @property
    def history(self) -> "pd.DataFrame":
        """A row for each epoch, numbered from 0 in the index; a float64 column for each metric that was logged in it.

        Of an unfinished run, the epochs up to its last checkpoint; empty if it has none, and for scikit-learn's
        estimators.

        Raises:
            UsageError: if pandas is not installed, or the file is damaged.
        """
        need_pandas("history")
        import pandas as pd

        frame = pd.DataFrame(read_history(self._run)).sort_index()
        frame.index.name = "epoch"
        return frame

    @property
    def figures(self) -> dict[str, Path]:
        """Paths of the PNG files by name, such as ``curves``; empty with ``figures=none``."""
        found = sorted((self.folder / "figures").glob("*.png"))
        return {path.stem: path for path in found if path.is_file() and not path.is_symlink()}

    @property
    def model(self) -> "TaskModule":
        """The LightningModule with its weights and standardisation, on the CPU, ready to predict.

        Raises:
            UsageError: if it has no checkpoint, is damaged, or names a class that is not in ``trust``.
        """
        return self._restored.model

    def datamodule(self) -> "TableDataModule":
        """The LightningDataModule of the run's data, read again, with the run's split and standardisation.

        Raises:
            UsageError: if the data cannot be read, or lacks columns or classes of the model.
        """
        from perceptron.composition.stored.restore import read_data, restore_data

        if self._run.is_estimator:
            return read_data(self.folder, overrides=self._overrides, trust=self._trust)
        return restore_data(self._restored)

    def predict(self, rows: "pd.DataFrame | npt.NDArray[np.float64]") -> "pd.DataFrame":
        """Predictions for raw rows, in the columns of ``perceptron predict``, with the index of ``rows``.

        Args:
            rows: a DataFrame, whose columns are found by name in any order; or an array ``(n_rows, n_columns)`` with
                the columns of training in their order.

        Returns:
            For classes ``label`` and ``p_<class>``; for regression a column per target, in its units.

        Raises:
            UsageError: if columns are missing, extra or not numeric, a value is not finite, or an extra is missing.
        """
        need_pandas("predict")
        import pandas as pd

        try:
            from perceptron.composition.stored.predicting import predicted_batches
            from perceptron.prediction.input_rows import read_frame_rows
        except ImportError as error:
            raise missing_extra("predict needs pyarrow", "table") from error
        schema = self._restored.schema
        chunks = read_frame_rows(rows, features=schema.feature_names, encoding=schema.encoding)
        _, batches = predicted_batches(self._restored, chunks)
        answers: pd.DataFrame = pd.concat([batch.to_pandas() for batch in batches], ignore_index=True).drop(
            columns="row"
        )
        return answers.set_axis(rows.index) if isinstance(rows, pd.DataFrame) else answers

    def objections(self) -> "list[Objection]":
        """What a careful person would object to, as ``perceptron check`` says it; empty for a careful run.

        The data is read again. If it cannot be read, a warning says so, and the objections that need it are left out.

        Raises:
            UsageError: if the run is not finished, is an ensemble or that of a LightningModule or LightningDataModule
                of a user, or its files are damaged.
        """
        from perceptron.diagnostics import evidence_of, objections

        if self._run.is_ensemble:
            raise UsageError(f"objections are to trained runs, got an ensemble, {self.folder}; name one of its members")
        model, data = self.config["model"], self.config["data"]
        if "split_seed" not in data or not {"network", "estimator"} & model.keys():
            raise UsageError(
                f"objections are to this project's models on tables, got {model['_target_']} on {data['_target_']} in "
                f"{self.folder}; name another run"
            )
        # Raises for a run that is not finished.
        _ = self.metrics
        try:
            data = self.datamodule()
            # Reads it.
            _ = data.table
        except UsageError as error:
            log.warning("the data was not looked at, nor its test rows and classes: %s", error)
            return objections(evidence_of(self._run, None))
        return objections(evidence_of(self._run, data))

    @cached_property
    def _restored(self) -> "Restored":
        from perceptron.composition.stored.restore import restore

        return restore(self.folder, checkpoint=self._checkpoint, overrides=self._overrides, trust=self._trust)

    def __repr__(self) -> str:
        return f"RunResult({str(self.folder)!r}, state={self.state!r})"

    def _repr_html_(self) -> str:
        """In a notebook: the metrics, a few figures, and the folder."""
        from perceptron.reports.html import images_in
        from perceptron.reports.run_page import metrics_html

        parts = [f"<p>{escape(self.state)}, {escape(str(self.folder))}</p>"]
        if self.state == State.DONE:
            parts.append(metrics_html(self._run.metrics))
        parts.append(images_in(self.folder / "figures", only=_SHOWN_FIGURES))
        return "\n".join(parts)
