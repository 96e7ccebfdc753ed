"""The overrides that a command line read from a file may contain: an allow-list, since a file must not run code.

Hydra builds callbacks, launchers and logging from its own settings before the composed configuration can be checked. So
each stored override is checked before Hydra reads it.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import ChoiceSweep, Glob, IntervalSweep, Override, RangeSweep

from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.composition.settings.parsing import parsed_overrides
from perceptron.composition.stored.write_paths import WRITING_GROUPS, check_path, check_storage
from perceptron.errors import UsageError
from perceptron.files.plain_values import read_values

# Replaced when a sweep is resumed.
REPLACED = ("hydra.sweep.dir", "hydra.run.dir", "hydra.mode")
# Hydra's settings for the number of jobs at a time and their share of a machine: no command, path or address.
_LAUNCHER = (
    "account", "array_parallelism", "constraint", "cpus_per_gpu", "cpus_per_task", "gpus_per_node", "gpus_per_task",
    "max_members", "max_num_timeout", "mem_gb", "mem_per_cpu", "mem_per_gpu", "n_jobs", "nodes", "partition", "prefer",
    "qos", "signal_delay_s", "tasks_per_node", "timeout_min", "verbose",
)  # fmt: skip
_WORDS = (
    "hydra.sweeper.n_trials", "hydra.sweeper.n_jobs", "hydra.sweeper.max_batch_size", "hydra.sweeper.study_name",
    "hydra.verbose", "hydra.job.chdir", "hydra.job.name", *(f"hydra.launcher.{name}" for name in _LAUNCHER),
)  # fmt: skip
_PARAMS, _STORAGE, _SUBDIR = "hydra.sweeper.params", "hydra.sweeper.storage", "hydra.sweep.subdir"
_SEARCH = ("hydra.sweeper.sampler.", "hydra.sweeper.pruner.")
_WORD = re.compile(r"[\w.-]*")
_SUBFOLDER = re.compile(r"[\w=,-][\w=,./-]*")
_REFERENCE = re.compile(r"\$\{[A-Za-z_][\w.]*\}")
# Settings whose types admit only numbers.
_NUMBERS = re.compile(r"\$\{(?:seed|data\.(?:fold|folds|split_seed|batch_size)|optimizer\.lr|hydra[.:]job\.num)\}")
# References that settings of written files may contain.
_SAFE = re.compile(r"^\$\{paths\.output_dir\}(?=/|$)|^\$\{(?:monitor|mode|seed)\}$")
_OPTION = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)*")
# Listing that many takes a minute.
_MOST_JOBS = 100_000
_FORBIDDEN = ("_args_", "data_home", "download_if_missing")


def check_stored(texts: Sequence[str], folder: Path, *, where: str, trust: Collection[str] = ()) -> None:
    """Check overrides that were read from a file.

    Args:
        texts: in Hydra's syntax.
        folder: of the sweep.
        where: the file, for messages.
        trust: settings and classes that the user allows explicitly.

    Raises:
        UsageError: for the first that is not an override, or that could run code, write elsewhere or use the network.
    """
    for text in texts:
        if text.startswith("-"):
            raise UsageError(f"a stored command line must hold settings alone, got {text} in {where}; restore the file")
    overrides = parsed_overrides(texts)
    check_size(overrides, where=where)
    for override in overrides:
        key = override.key_or_group
        if key in trust:
            continue
        # An empty key is the whole configuration.
        if override.package is not None or not key:
            raise _refused(key, override.get_value_string() if "=" in str(override.input_line) else None, where)
        if key == "data" and isinstance(override.value(), Glob):
            # It includes the options that are downloaded.
            raise _refused(key, override.get_value_string(), where)
        for value in _values(override):
            for name, leaf in _leaves(key, value):
                _check(name, leaf, folder, where=where, trust=trust)


def check_size(overrides: Sequence[Override], *, where: str) -> None:
    """Refuse too many jobs: Hydra lists all of them before the first one runs.

    Args:
        overrides: of a stored command line.
        where: the file, for messages.

    Raises:
        UsageError: if there are more than 100,000.
    """
    options = {override.key_or_group: override._value for override in overrides}
    sweeper = options.get("hydra/sweeper", "optuna" if "hparams_search" in options else "basic")
    if sweeper != "basic":
        # A search draws from ranges.
        return
    jobs = 1.0
    for value in options.values():
        if isinstance(value, ChoiceSweep):
            jobs *= len(value.list)
        elif isinstance(value, RangeSweep) and None not in (value.start, value.stop):
            jobs *= max(abs(float(value.stop or 0) - float(value.start or 0)) / abs(float(value.step) or 1), 1)
    if jobs > _MOST_JOBS:
        raise UsageError(
            f"a stored sweep must have at most {_MOST_JOBS:,} jobs, got {jobs:,.0f} in {where}; restore the file"
        )


def _check(key: str, value: Any, folder: Path, *, where: str, trust: Collection[str]) -> None:
    if key in trust:
        return
    if key == _PARAMS and not value:
        return
    if key.startswith(f"{_PARAMS}."):
        # An override again, whose value is the sweep.
        check_stored([f"{key.removeprefix(f'{_PARAMS}.')}={value}"], folder, where=where, trust=trust)
    elif key == _STORAGE:
        if value is not None:
            check_storage(key, str(value), folder, where=where)
    elif key == "hydra" or key.startswith("hydra."):
        if not _is_harmless(key, value):
            raise _refused(key, value, where)
    else:
        _check_setting(key, value, folder, where=where, trust=trust)


def _is_harmless(key: str, value: Any) -> bool:
    if key == _SUBDIR:
        folder = _NUMBERS.sub("0", str(value))
        return _SUBFOLDER.fullmatch(folder) is not None and ".." not in folder
    is_known = key in _WORDS or (key.startswith(_SEARCH) and not key.endswith("_"))
    is_word = isinstance(value, str) and _WORD.fullmatch(value) is not None
    return is_known and (is_word or value is None or isinstance(value, bool | int | float))


def _check_setting(key: str, value: Any, folder: Path, *, where: str, trust: Collection[str]) -> None:
    """Check a setting of the project's own, or an option of a group."""
    *path, name = key.split(".")
    if name in _FORBIDDEN or (name == "_target_" and value not in trust and not _is_allowed(value)):
        raise _refused(key, value, where, trust=str(value) if name == "_target_" else key)
    if not isinstance(value, str):
        return
    if not path and (key.startswith("hydra/") or "/" in key or (CONF_DIR / key).is_dir()):
        if not _OPTION.fullmatch(value) or (key == "data" and _is_downloaded(value)):
            raise _refused(key, value, where)
        return
    writes = key.split(".")[0] in WRITING_GROUPS
    if "${" in (_SAFE if writes else _REFERENCE).sub("", value):
        raise _refused(key, value, where)
    if writes:
        check_path(key, value.replace("${paths.output_dir}", str(folder)), folder, where=where)


def _is_allowed(target: Any) -> bool:
    # Imported here, because it imports torch and Lightning.
    from perceptron.composition.stored.allow_list import is_allowed, is_downloaded

    return isinstance(target, str) and is_allowed(target) and not is_downloaded(target)


def _is_downloaded(option: str) -> bool:
    """Whether a data set of this name is one that scikit-learn downloads."""
    path = CONF_DIR / "data" / f"{option.removesuffix('.yaml')}.yaml"
    values = read_values(path) if path.is_file() else None
    dataset = values.get("dataset") if isinstance(values, dict) else None
    return isinstance(dataset, dict) and "sklearn.datasets.fetch_" in str(dataset.get("_target_"))


def _values(override: Override) -> Iterator[Any]:
    """All plain values of an override; none for the numbers of a range and for known options."""
    value: Any = override._value
    if isinstance(value, ChoiceSweep):
        for item in value.list:
            yield Override._convert_value(item)
    elif not isinstance(value, RangeSweep | IntervalSweep):
        # The options of a glob are known.
        yield None if isinstance(value, Glob) else Override._convert_value(value)


def _leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _leaves(f"{key}.{name}", item)
    elif isinstance(value, list) and value:
        for item in value:
            yield from _leaves(key, item)
    else:
        yield key, value


def _refused(key: str, value: Any, where: str, trust: str | None = None) -> UsageError:
    return UsageError(
        f"a stored command line must not set what can run code, write elsewhere or use the network, got {key}={value} "
        f"in {where}; if you know it, type 'trust=[{trust or key}]'"
    )
