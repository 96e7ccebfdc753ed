"""Whether a user-supplied table has changed since a run was trained on it."""

from perceptron.data import TableDataModule
from perceptron.data.digest import digest
from perceptron.errors import UsageError
from perceptron.runs.folder import Run


def check_unchanged(run: Run, datamodule: TableDataModule) -> None:
    """Check that a run continues with the rows that it was trained on.

    Raises:
        UsageError: where they have changed.
    """
    if changed := changed_rows(run, datamodule):
        raise UsageError(
            f"a run goes on with the rows that it was trained on, got {changed}: training rows would become test rows; "
            "restore the data, or start a new run"
        )


def changed_rows(run: Run, datamodule: TableDataModule) -> str | None:
    """How a user-supplied table differs from the one that a run was trained on, by which its splits differ too.

    Args:
        run: that has trained.
        datamodule: its table read.

    Returns:
        Such as "350 rows, where the run had 300"; None where nothing has changed, or the run does not tell.
    """
    report = run.data_report or {}
    trained_on = report.get("digest")
    if trained_on is None or trained_on == digest(datamodule.table, datamodule.split):
        return None
    before, now = report.get("rows"), len(datamodule.table)
    return f"{now} rows, where the run had {before}" if before != now else "other values or another split of its rows"
