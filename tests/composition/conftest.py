from collections.abc import Callable
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, open_dict

from perceptron.composition.overrides import CONF_DIR


@pytest.fixture
def composed(tmp_path: Path) -> Callable[..., tuple[DictConfig, dict[str, str]]]:
    """Configuration and chosen options for overrides, with a run folder of the test's own."""

    def compose_it(*overrides: str, folder: str = ".") -> tuple[DictConfig, dict[str, str]]:
        GlobalHydra.instance().clear()
        (tmp_path / folder).mkdir(exist_ok=True)
        with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
            cfg = compose(
                "train",
                overrides=["figures=none", *overrides, f"paths.output_dir={(tmp_path / folder).resolve()}"],
                return_hydra_config=True,
            )
        HydraConfig.instance().set_config(cfg)
        chosen = dict(cfg.hydra.runtime.choices)
        with open_dict(cfg):
            del cfg["hydra"]
        return cfg, chosen

    return compose_it
