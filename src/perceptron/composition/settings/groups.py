"""Hydra's groups: their options, and what is composed of them."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from hydra import compose
from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from yaml import YAMLError

from perceptron.composition.settings.hydras import check_folders_of_jobs, check_hydra
from perceptron.errors import UsageError


@dataclass(frozen=True)
class Groups:
    """Options of Hydra's groups, those in folders of the user's own among them.

    Attributes:
        loader: Hydra's.
        config_name: the root configuration.
        multirun: whether what is composed is a job of several.
    """

    loader: ConfigLoader
    config_name: str = "train"
    multirun: bool = False
    _options: dict[tuple[str, ObjectType | None], list[str]] = field(default_factory=dict)
    # Composing takes 100 ms: jobs of a sweep share it. Without ``hydra``, and that alone.
    _composed: dict[tuple[str, ...], tuple[DictConfig, Any]] = field(default_factory=dict)

    def composed(self, groups: Sequence[Override]) -> DictConfig:
        """What Hydra composes of overrides; a copy, to be changed. ``${hydra:...}`` reads from it from now on."""
        key = _key(groups)
        if key not in self._composed:
            try:
                cfg = compose(self.config_name, overrides=[*key], return_hydra_config=True)
            except KeyError as error:
                # Hydra's; OmegaConf's are others.
                raise UsageError(
                    f"hydra.job.env_copy must name variables that are set, got {error.args[0]}; set it, or leave it out"
                ) from error
            except RecursionError as error:
                raise UsageError("a configuration must not be among its own defaults; name another there") from error
            except YAMLError as error:
                lines = "; ".join(line.strip() for line in str(error).splitlines())
                raise UsageError(f"a configuration must be YAML, got {lines}; correct it") from error
            self.check_and_keep(groups, cfg)
        plain, hydra = self._composed[key]
        HydraConfig.instance().cfg = hydra
        return deepcopy(plain)

    def check_and_keep(self, groups: Sequence[Override], cfg: DictConfig) -> None:
        """Keep what Hydra has composed as what it composes of these overrides; ``${hydra:...}`` reads from it now.

        Args:
            groups: the overrides.
            cfg: with ``hydra``, which can be written to afterwards.

        Raises:
            UsageError: where Hydra's own settings cannot be.
        """
        check_hydra(cfg.hydra)
        if self.multirun:
            check_folders_of_jobs(cfg.hydra)
        HydraConfig.instance().set_config(cfg)
        # Hydra makes it read-only, too.
        OmegaConf.set_readonly(cfg.hydra, None)
        hydra: Any = HydraConfig.instance().cfg
        if self.multirun:
            # The first job stands for all.
            with read_write(hydra.hydra):
                hydra.hydra.job.num, hydra.hydra.job.id = 0, "0"
        plain = cfg.copy()
        with open_dict(plain):
            del plain["hydra"]
        self._composed[_key(groups)] = plain, hydra

    def options(self, group: str, kind: ObjectType | None = None) -> list[str]:
        """Names of a group's options, or of another kind of what is in its folder."""
        if (group, kind) not in self._options:
            self._options[group, kind] = group_options(self.loader, group, kind)
        return self._options[group, kind]


def _key(groups: Sequence[Override]) -> tuple[str, ...]:
    return tuple(str(override.input_line) for override in groups)


def group_options(loader: ConfigLoader, group: str, kind: ObjectType | None = ObjectType.CONFIG) -> list[str]:
    """Names of a group's options, or of another kind of what is in its folder.

    ``ConfigLoader.get_group_options`` gives the same, after it has copied all registered schemas: 11 ms (measured).

    Args:
        loader: Hydra's.
        group: its path; empty for all groups' folder.
        kind: of what to look for; None for all.
    """
    sources = [source for source in loader.get_sources() if source.is_group(group)]
    return sorted({name for source in sources for name in source.list(group, kind)})
