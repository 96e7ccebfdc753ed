"""Jobs of a sweep composed quickly: what Hydra has composed for all, for jobs that differ in plain settings.

Hydra reads and merges all files anew for each job, twice, which takes longer than to train it beside others (measured).
"""

from collections.abc import Sequence
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.settings.parsing import parsed_override
from perceptron.composition.sweeps.template import JobTemplate, typed_overrides

_Key = tuple[tuple[str, ...], tuple[str, ...]]


class SweepLoader(ConfigLoader):
    """Another loader's configurations; those of a sweep's jobs from one that differs in scalars and lists.

    Args:
        loader: Hydra's own.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        self._loader = loader
        self._groups: dict[str, set[str]] = {}
        self._parsed: dict[str, tuple[Override, bool]] = {}
        self._apart: dict[tuple[tuple[str, bool], ...], set[str]] = {}
        self._templates: dict[_Key, JobTemplate] = {}

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """A job's configuration, as Hydra would have composed it.

        The next call changes it in place: a copy takes 7 ms, and Hydra's sweepers look at each no longer.
        """
        return self.template(master_config, sweep_overrides).cfg

    def template(self, master_config: DictConfig, sweep_overrides: Sequence[str]) -> JobTemplate:
        """What a job shares with others, set to this job."""
        overrides = [self._parse(text) for text in sweep_overrides]
        alone = self._alone(tuple((override.key_or_group, is_setting) for override, is_setting in overrides))
        settings = [override for override, _ in overrides if override.key_or_group in alone]
        others = tuple(str(override.input_line) for override, _ in overrides if override.key_or_group not in alone)
        # With what stands before it, such as +.
        names = tuple(_name(str(override.input_line)) for override in settings)
        if (others, names) not in self._templates:
            is_plain = self._differs_in_settings(master_config, others, names)
            hydras = self._loader.load_sweep_config
            cfg = master_config.copy() if is_plain else hydras(master_config, list(sweep_overrides))
            self._templates[others, names] = JobTemplate(cfg, [override.key_or_group for override in settings])
        template = self._templates[others, names]
        parsed = [override for override, _ in overrides]
        task = [str(override.input_line) for override in parsed if not override.is_hydra_override()]
        try:
            template.set(settings, task, self._dirname(parsed, template))
        except OmegaConfBaseException:
            # Hydra says which override it is.
            self._loader.load_sweep_config(master_config, list(sweep_overrides))
            raise
        return template

    def _differs_in_settings(self, master_config: DictConfig, others: Sequence[str], names: Sequence[str]) -> bool:
        """Whether a job is what Hydra has composed for the multirun, with other values of settings.

        Args:
            master_config: the multirun's; what is swept has its default there.
            others: the job's overrides that are no settings.
            names: of its settings, with what stands before them.
        """
        typed = {text: self._parse(text) for text in typed_overrides(master_config)}
        fixed = {_name(text) for text, (override, _) in typed.items() if not override.is_sweep_override()}
        of_settings = {_name(text) for text, (_, is_setting) in typed.items() if is_setting}
        are_there = all(name in fixed or not name.startswith("+") for name in names)
        same_others = tuple(text for text, (_, is_setting) in typed.items() if not is_setting) == tuple(others)
        return are_there and same_others and fixed & of_settings <= set(names)

    def _parse(self, text: str) -> tuple[Override, bool]:
        """An override, and whether it sets a scalar or a list on which nothing else depends."""
        if text not in self._parsed:
            override = parsed_override(text)
            self._parsed[text] = override, self._is_setting(override)
        return self._parsed[text]

    def _is_setting(self, override: Override) -> bool:
        return not (
            override.is_delete()
            or override.package
            or override.is_hydra_override()
            or self._is_group(override.key_or_group)
            or isinstance(override.value(), dict)
        )

    def _alone(self, keys: tuple[tuple[str, bool], ...]) -> set[str]:
        """Settings of a job of which no other override sets a part, or the whole: there the last one counts.

        Args:
            keys: of the job's overrides, and whether each is a setting.
        """
        if keys not in self._apart:
            groups = {key for key, is_setting in keys if not is_setting and self._is_group(key)}
            others = {key for key, is_setting in keys if not is_setting}
            settings = {key for key, is_setting in keys if is_setting} - others
            touched = [key for key in settings | others if key not in groups]
            self._apart[keys] = {
                key for key in settings
                if not any(key.startswith(f"{other}.") or other.startswith(f"{key}.") for other in touched)
            }  # fmt: skip
        return self._apart[keys]

    def _is_group(self, key: str) -> bool:
        if "." in key:
            return False
        parent, _, name = key.rpartition("/")
        if parent not in self._groups:
            self._groups[parent] = set(self._loader.list_groups(parent))
        return name in self._groups[parent]

    def _dirname(self, overrides: Sequence[Override], template: JobTemplate) -> str:
        """``hydra.job.override_dirname``: the sorted overrides in a line, without the excluded keys."""
        style = template.dirname_style
        lines = sorted(
            str(override.input_line)
            for override in overrides
            if override.key_or_group not in style["exclude_keys"] and not override.is_hydra_override()
        )
        return str(style["item_sep"]).join(line.replace("=", style["kv_sep"]) for line in lines)

    # What follows is handed on.
    def load_configuration(self, *args: Any, **kwargs: Any) -> DictConfig:
        """See Hydra's."""
        return self._loader.load_configuration(*args, **kwargs)

    def get_search_path(self) -> Any:
        """See Hydra's."""
        return self._loader.get_search_path()

    def get_sources(self) -> Any:
        """See Hydra's."""
        return self._loader.get_sources()

    def list_groups(self, *args: Any, **kwargs: Any) -> list[str]:
        """See Hydra's."""
        return self._loader.list_groups(*args, **kwargs)

    def get_group_options(self, *args: Any, **kwargs: Any) -> list[str]:
        """See Hydra's."""
        return self._loader.get_group_options(*args, **kwargs)

    def compute_defaults_list(self, *args: Any, **kwargs: Any) -> Any:
        """See Hydra's."""
        return self._loader.compute_defaults_list(*args, **kwargs)


def _name(text: str) -> str:
    """What an override sets, with what stands before it."""
    return text.partition("=")[0]
