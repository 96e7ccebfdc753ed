"""What a run writes down and says of its data, its origin and its results."""

import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import torch

from perceptron.data import TableDataModule
from perceptron.runs.ending import in_words
from perceptron.runs.files import write_json
from perceptron.runs.provenance import provenance
from perceptron.tasks import Direction
from perceptron.terminal.text import visible

log = logging.getLogger(__name__)


def write_results(
    folder: Path,
    *,
    metrics: Mapping[str, float],
    config: Mapping[str, Any],
    chosen: Mapping[str, str],
    directions: Mapping[str, Direction],
    best: Mapping[str, Any] | None,
    end: Mapping[str, Any] | None = None,
    device: str,
    started: datetime,
    seconds: float,
) -> None:
    """Write ``provenance.json`` and, last, ``metrics.json``, whose presence says that the run is finished.

    Args:
        folder: of the run.
        metrics: of the reported weights.
        config: plain configuration.
        chosen: option of each group.
        directions: of the metrics, by name without the split.
        best: see ``perceptron.runs.best.best_entry``.
        end: how the training ended, see ``perceptron.runs.ending``; None where there was none.
        device: that it ran on.
        started: when.
        seconds: it took.
    """
    origin = provenance(
        seed=config["seed"],
        split_seed=config["data"]["split_seed"],
        chosen=_of_groups(chosen),
        device=device,
        threads=torch.get_num_threads(),
        started=started.isoformat(timespec="seconds"),
        seconds=seconds,
    )
    # The folder is synced with the file that comes last.
    stored = {"best": best, "directions": directions, "training": end}
    write_json(folder / "provenance.json", origin | stored, sync_folder=False)
    write_json(folder / "metrics.json", metrics)


def _of_groups(chosen: Mapping[str, str]) -> dict[str, str]:
    """The project's own groups, without Hydra's."""
    return {group: option for group, option in chosen.items() if "/" not in group and option is not None}


def write_data_report(folder: Path, report: Mapping[str, Any]) -> None:
    """Write ``data_report.json``; log what stands out."""
    write_json(folder / "data_report.json", report)
    for warning in report["warnings"]:
        log.warning("%s", visible(warning))


def log_task(datamodule: TableDataModule) -> None:
    """Log the task that was read off the target, and why; nothing where the settings name the task."""
    table = datamodule.table
    if table.task_reason:
        log.info("task: %s, because the target %s; data.task sets another", table.schema.task, table.task_reason)


def log_table_defaults(config: Mapping[str, Any], chosen: Mapping[str, str]) -> None:
    """Log what ``experiment=table`` sets, which a user-supplied table takes unless told otherwise."""
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


def notes(datamodule: TableDataModule, end: Mapping[str, Any] | None = None) -> list[str]:
    """What a report says of the training and of the rows.

    Args:
        datamodule: whose rows.
        end: how the training ended; None where there was none.
    """
    training = [] if end is None else [f"training    {in_words(end)}"]
    return [*training, *_of_rows(datamodule)]


def _of_rows(datamodule: TableDataModule) -> list[str]:
    split = datamodule.split
    rows = f"rows        {len(split.train)} train, {len(split.val)} validation, {len(split.test)} test"
    if len(split.test) == 0:
        return [
            rows,
            "            no held-out test rows: these numbers do not say how the model does on new rows",
        ]
    return [rows]
