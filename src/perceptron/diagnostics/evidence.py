"""What is known of a run when it is judged: its files, its data, and the runs beside it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from perceptron.errors import UsageError
from perceptron.runs.epoch_history import Curves, read_history
from perceptron.runs.folder import Run, find_runs
from perceptron.sweeps.finished_runs import read_finished_run

if TYPE_CHECKING:
    from perceptron.data import TableDataModule

# Standardising all rows in single precision leaves means and deviations this far from 0 and 1.
_ROUNDING = 1e-3
_LEAST_ROWS = 10
# Hydra stores a reference to another setting in a job's command line in this form.
_ESCAPED = re.compile(r"\$\\\{([\w.]+)\\\}")


@dataclass(frozen=True, kw_only=True)
class DataEvidence:
    """What the rows of a run show.

    Attributes:
        rows: number of rows by split: ``train``, ``val``, ``test``.
        class_shares: share of each class among all rows; empty for regression.
        is_standardised: whether every column that varies has mean 0 and deviation 1 over the rows of all splits.
    """

    rows: Mapping[str, int]
    class_shares: Sequence[float]
    is_standardised: bool


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of a finished run.

    Attributes:
        config: its settings.
        metrics: under names like ``test/acc``; None where undefined.
        provenance: with ``training``, how its training ended, and ``best``, the reported weights.
        curves: its epochs, see ``perceptron.runs.epoch_history``.
        report: ``data_report.json``; empty for data sets of scikit-learn.
        overrides: the settings of its command line.
        n_draws: number of finished runs beside it, and itself, that have its settings and differ in seed or split.
        data: None if the data cannot be read.
    """

    config: Mapping[str, Any]
    metrics: Mapping[str, float | None]
    provenance: Mapping[str, Any]
    curves: Curves
    report: Mapping[str, Any]
    overrides: Sequence[str]
    n_draws: int
    data: DataEvidence | None

    @property
    def training(self) -> Mapping[str, Any]:
        """How its training ended; empty if nothing was trained."""
        return self.provenance.get("training") or {}


def evidence_of(run: Run, datamodule: "TableDataModule | None") -> Evidence:
    """Read what is known of a finished run.

    Args:
        run: finished.
        datamodule: of its data; None if it cannot be read.

    Raises:
        UsageError: if one of its files is damaged.
    """
    return Evidence(
        config=run.config,
        metrics=run.metrics,
        provenance=run.provenance,
        curves=read_history(run),
        report=run.data_report or {},
        overrides=[
            _ESCAPED.sub(r"${\1}", text)
            for text in run.overrides
            if not text.startswith(("hydra.", "hydra/", "paths."))
        ],
        n_draws=_n_draws(run),
        data=None if datamodule is None else _data_evidence(datamodule),
    )


def _n_draws(run: Run) -> int:
    own = read_finished_run(run)
    draws = {own.draw}
    for other in find_runs(run.folder.parent):
        try:
            found = read_finished_run(other) if other.is_finished else None
        except UsageError:
            # Another run's damage is no objection to this one.
            continue
        if found is not None and (found.data, found.setting) == (own.data, own.setting):
            draws.add(found.draw)
    return len(draws)


def _data_evidence(datamodule: "TableDataModule") -> DataEvidence:
    table, split = datamodule.table, datamodule.split
    classes = table.schema.class_names
    counts = np.bincount(table.target, minlength=len(classes)) if classes else np.zeros(0)
    return DataEvidence(
        rows={"train": len(split.train), "val": len(split.val), "test": len(split.test)},
        class_shares=[float(share) for share in counts / max(counts.sum(), 1)],
        is_standardised=_is_standardised(np.asarray(table.features, dtype=np.float64)),
    )


def _is_standardised(features: Any) -> bool:
    """Whether the columns were standardised with all rows; those of 0 and 1 are not looked at."""
    columns = [column for column in features.T if len(np.unique(column)) > 2]
    if not columns or len(features) < _LEAST_ROWS:
        return False
    values = np.stack(columns)
    means, deviations = values.mean(axis=1), values.std(axis=1)
    # The deviation of a sample divides by one row less.
    slack = _ROUNDING + 1 / len(features)
    return bool((np.abs(means) < _ROUNDING).all() and (np.abs(deviations - 1) < slack).all())
