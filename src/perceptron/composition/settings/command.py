"""The settings of a command line, found wrong before anything is made. Imports nothing heavy."""

from collections.abc import Sequence
from pathlib import Path

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.settings.extras import check_extras
from perceptron.composition.settings.groups import Groups
from perceptron.composition.settings.hydras import asks_for_jobs, check_no_numbers, swept_by_settings
from perceptron.composition.settings.overrides import CONF_DIR, is_for_hydra, one_line
from perceptron.composition.settings.parsing import parsed_overrides
from perceptron.composition.settings.sample import check_jobs
from perceptron.composition.settings.search_path import check_root, search_also
from perceptron.errors import UsageError


def check_composed(cfg: DictConfig, *, config_name: str) -> None:
    """Check what Hydra has composed for a multirun, each value of each sweep, before it makes a folder.

    Args:
        cfg: with ``hydra``; its values stay as they are.
        config_name: the root configuration.

    Raises:
        UsageError: for the first mistake.
    """
    before = HydraConfig.instance().cfg
    try:
        hydras = GlobalHydra.instance().config_loader()
        # Hydra adds these to each composition, which finds the same in them once more.
        search_also(cfg.hydra.searchpath, hydras)
        loader = Groups(hydras, config_name, multirun=True)
        typed = OmegaConf.to_container(cfg.hydra.overrides, resolve=False)
        assert isinstance(typed, dict)  # noqa: S101
        overrides = parsed_overrides([*typed["hydra"], *typed["task"]], hydras)
        fixed = [override for override in overrides if not override.is_sweep_override()]
        loader.check_and_keep([override for override in fixed if is_for_hydra(override, loader)], cfg)
        _check(overrides, loader)
    except (HydraException, OmegaConfBaseException) as error:
        raise UsageError(one_line(error)) from error
    finally:
        HydraConfig.instance().cfg = before


def check_overrides(
    overrides: Sequence[str],
    *,
    multirun: bool = False,
    config_name: str = "train",
    config_dir: str | None = None,
) -> None:
    """Compose what the overrides ask for, one by one, so that a message names the one that is wrong, and check it.

    Args:
        overrides: in Hydra's syntax, as on the command line.
        multirun: whether values may be swept.
        config_name: the root configuration.
        config_dir: a folder of more configurations.

    Raises:
        UsageError: for the first mistake.
    """
    if config_dir is not None and not Path(config_dir).is_dir():
        raise UsageError(f"--config-dir must be a folder, got {config_dir}; make it or leave it out")
    GlobalHydra.instance().clear()
    before = HydraConfig.instance().cfg
    try:
        with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
            hydras = GlobalHydra.instance().config_loader()
            if config_dir is not None:
                search_also([f"file://{Path(config_dir).absolute()}"], hydras)
            parsed = parsed_overrides(overrides, hydras)
            loader = Groups(hydras, config_name, multirun=multirun or asks_for_jobs(parsed))
            if check_root(parsed, loader) == RunMode.MULTIRUN and not loader.multirun:
                loader = Groups(hydras, config_name, multirun=True)
            _check(parsed, loader)
    except (HydraException, OmegaConfBaseException) as error:
        raise UsageError(one_line(error)) from error
    finally:
        HydraConfig.instance().cfg = before


def _check(overrides: list[Override], loader: Groups) -> None:
    texts = [str(override.input_line) for override in overrides]
    check_extras(texts)
    if not loader.multirun:
        check_no_numbers(overrides)
    searches = any(text.startswith(("hydra/sweeper=", "hparams_search=")) for text in texts)
    check_jobs(overrides, loader, searches=searches)
    if loader.multirun and (params := swept_by_settings()):
        own = {override.get_key_element() for override in overrides}
        more = [param for param in parsed_overrides(params, loader.loader) if param.get_key_element() not in own]
        check_jobs([*more, *overrides], loader, searches=searches)
