"""Where configurations are looked for: in the project, and where the command line or one's own root says."""

import warnings
from collections.abc import Sequence
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from hydra.types import RunMode

from perceptron.composition.settings.groups import Groups, group_options
from perceptron.errors import UsageError
from perceptron.spelling import did_you_mean


def search_also(paths: Sequence[str], loader: ConfigLoader) -> None:
    """Look for configurations in other places as well, where Hydra does for ``--config-dir`` and ``hydra.searchpath``.

    Args:
        paths: as Hydra writes them, ``file:///folder`` or ``pkg://package``.
        loader: Hydra's.
    """
    if not paths:
        return
    where = loader.get_search_path()
    for path in paths:
        where.prepend("command-line", path, SearchPathQuery(provider="schema"))
    # Hydra's only way to read the path anew.
    hydras: Any = loader
    hydras.repository.initialize_sources(where)


def check_root(overrides: Sequence[Override], groups: Groups) -> RunMode | None:
    """Check that the root configuration is there, and search where ``hydra.searchpath`` says, typed or in the root.

    Args:
        overrides: all.
        groups: knows no option yet.

    Returns:
        ``hydra.mode``, typed or in a root of one's own; None where it is not set.

    Raises:
        UsageError: where there is no such root, or place.
    """
    typed = [override for override in overrides if override.key_or_group == "hydra.searchpath"]
    if not typed and groups.config_name == "train":
        return None
    folder, _, name = groups.config_name.removesuffix(".yaml").rpartition("/")
    known = [option for option in group_options(groups.loader, folder) if not option.startswith("_")]
    if name not in known:
        raise UsageError(f"there is no --config-name {groups.config_name}; {did_you_mean(name, known)}")
    with warnings.catch_warnings():
        # Hydra's of a place that is not there.
        warnings.filterwarnings("ignore", message=r".*not\s+available", category=UserWarning)
        try:
            groups.composed(typed)
        except ValueError as error:
            raise UsageError(f"hydra.searchpath must list folders: {error}; write [file:///folder]") from error
    search_also(HydraConfig.get().searchpath, groups.loader)
    for source in groups.loader.get_sources():
        if not source.available():
            raise UsageError(
                f"hydra.searchpath must list folders that are there, got {source.path}; make it or leave it out"
            )
    return HydraConfig.get().mode
