"""The files that a run writes about its configuration, its data, its origin and its results."""

import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import torch

from perceptron.data import TableDataModule
from perceptron.files.plain_values import write_json
from perceptron.files.writing import write_text
from perceptron.runs.epoch_history import write_history
from perceptron.runs.plain_yaml import as_yaml
from perceptron.runs.provenance import provenance
from perceptron.runs.training_end import training_end_text
from perceptron.tasks import Direction
from perceptron.terminal.text import visible

log = logging.getLogger(__name__)


def write_results(
    folder: Path,
    *,
    metrics: Mapping[str, float],
    config: Mapping[str, Any],
    chosen: Mapping[str, str | None],
    directions: Mapping[str, Direction],
    best: Mapping[str, Any] | None,
    end: Mapping[str, Any] | None = None,
    history: Mapping[str, Mapping[int, float]] | None = None,
    device: str,
    started: datetime,
    seconds: float,
    rows: Mapping[str, int] | None = None,
) -> None:
    """Write ``provenance.json``, ``history.json`` and, last, ``metrics.json``, which says that the run is finished.

    Args:
        folder: of the run.
        metrics: of the reported weights.
        config: plain configuration.
        chosen: option of each group; None for one without effect.
        directions: of the metrics, by name without the split.
        best: see ``perceptron.runs.checkpoints.best_checkpoint.best_entry``.
        end: how the training ended, see ``perceptron.runs.training_end``; None where there was none.
        history: values by epoch of each metric that was logged in training, see ``perceptron.runs.epoch_history``.
        device: that it ran on.
        started: when.
        seconds: it took.
        rows: number of rows of each split; None if the caller does not know it.
    """
    origin = provenance(
        seed=config["seed"],
        split_seed=config["data"].get("split_seed"),
        chosen=_of_groups(chosen),
        device=device,
        threads=torch.get_num_threads(),
        started=started.isoformat(timespec="seconds"),
        seconds=seconds,
    )
    # The folder is synced with the file that comes last.
    stored = {"best": best, "directions": directions, "training": end, "rows": rows}
    write_json(folder / "provenance.json", origin | stored, sync_folder=False)
    write_history(folder, history or {})
    write_json(folder / "metrics.json", metrics)


def _of_groups(chosen: Mapping[str, str | None]) -> dict[str, str]:
    """The project's own groups, without Hydra's."""
    return {group: option for group, option in chosen.items() if "/" not in group and option is not None}


def begin_run(folder: Path, config: Mapping[str, Any], datamodule: TableDataModule | None) -> None:
    """Write ``config.yaml`` and ``data_report.json``; log the task of the data and what stands out in it.

    Args:
        folder: of the run, where the results of an earlier attempt are deleted.
        config: plain configuration.
        datamodule: set up; None for a user's own, of which nothing is known.
    """
    (folder / "metrics.json").unlink(missing_ok=True)
    write_text(folder / "config.yaml", as_yaml(config))
    if datamodule is None:
        return
    log_task(datamodule)
    if datamodule.report is not None:
        write_json(folder / "data_report.json", datamodule.report)
    log_warnings(datamodule)


def log_task(datamodule: TableDataModule) -> None:
    """Log the task that was read off the target, and why; nothing where the settings name the task."""
    table = datamodule.table
    if table.task_reason:
        log.info("task: %s, because the target %s; data.task sets another", table.schema.task, table.task_reason)


def log_warnings(datamodule: TableDataModule) -> None:
    """Log what stands out in a table."""
    for warning in [] if datamodule.report is None else datamodule.report["warnings"]:
        log.warning("%s", visible(warning))


def log_table_defaults(config: Mapping[str, Any], chosen: Mapping[str, str]) -> None:
    """Log the settings of ``experiment=table``, the defaults for a user-supplied table."""
    if chosen.get("experiment") != "table":
        return
    rows = config["data"]["batch_size"]
    log.info(
        "experiment=table sets the defaults for your own table, and what is typed beside it wins: optimizer=%s, "
        "rate %g, scheduler=%s, %s, at most %s epochs; docs/results.md says why",
        chosen.get("optimizer"),
        config["optimizer"]["lr"],
        chosen.get("scheduler"),
        "all rows in one batch" if rows is None else f"batches of {rows} rows",
        config["trainer"]["max_epochs"],
    )


def row_counts(datamodule: TableDataModule | None) -> dict[str, int] | None:
    """Number of rows of each split; None for data of which nobody knows them."""
    if datamodule is None:
        return None
    split = datamodule.split
    return {"train": len(split.train), "val": len(split.val), "test": len(split.test)}


def report_lines(datamodule: TableDataModule | None, end: Mapping[str, Any] | None = None) -> list[str]:
    """Lines of the report on the terminal about the training and the rows.

    Args:
        datamodule: whose rows; None for a user's own, whose rows are not known.
        end: how the training ended; None where there was none.
    """
    training = [] if end is None else [f"training    {training_end_text(end)}"]
    return training if datamodule is None else [*training, *_of_rows(datamodule)]


def _of_rows(datamodule: TableDataModule) -> list[str]:
    split = datamodule.split
    rows = f"rows        {len(split.train)} train, {len(split.val)} validation, {len(split.test)} test"
    if len(split.test) == 0:
        return [
            rows,
            "            no held-out test rows: these numbers do not say how the model does on new rows",
        ]
    return [rows]
