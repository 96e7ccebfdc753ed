"""Build the data module of a configuration and read its table."""

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
    # What is known is no argument of Hydra's call, which would take a category named ${...} for an interpolation.
    make = instance(cfg, "data", _partial_=True)
    try:
        datamodule: TableDataModule = make(known=known, looks=looks)
        datamodule.setup()
    except (TypeError, ValueError, OSError) as error:
        name = cfg.dataset.get("_target_", cfg._target_).rpartition(".")[2]
        raise UsageError(
            f"data.dataset must be what {name} takes, got: {reason(error)}; change data.dataset"
        ) from error
    return datamodule
