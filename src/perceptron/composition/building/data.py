"""The data of a configuration, its table read."""

from omegaconf import DictConfig

from perceptron.composition.building.instantiate import instance
from perceptron.data import TableDataModule, TableSchema
from perceptron.errors import UsageError, reason


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
