"""The data of a configuration, its table read."""

from omegaconf import DictConfig

from perceptron.composition.instance import instance
from perceptron.data import TableDataModule, TableSchema
from perceptron.data.digest import digest
from perceptron.errors import UsageError, reason
from perceptron.runs.folder import Run


def build_data(cfg: DictConfig, known: TableSchema | None = None, *, looks: bool = True) -> TableDataModule:
    """Data module of the group ``data``, its table read.

    Args:
        cfg: the group.
        known: what a trained model knows that the data is for; None to fit how columns become features.
        looks: whether to look for what stands out in the table.

    Raises:
        UsageError: where the data set cannot be made from its arguments.
    """
    datamodule: TableDataModule = instance(cfg, "data")
    # No argument of the target: Hydra would take a category named ${...} for an interpolation.
    datamodule.known = known
    datamodule.looks = looks
    try:
        datamodule.setup()
    except (TypeError, ValueError, OSError) as error:
        name = cfg.dataset.get("_target_", cfg._target_).rpartition(".")[2]
        raise UsageError(
            f"data.dataset must be what {name} takes, got: {reason(error)}; change data.dataset"
        ) from error
    return datamodule


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
