"""What a run has left is replaced by the run alone."""

from pathlib import Path

from perceptron.errors import UsageError

# What a run or a sweep writes, by the first part of its path in the folder.
_WRITTEN = (
    ".hydra", ".lock", "config.yaml", "csv", "data_report.json", "error.txt", "experiment", "figures", "metrics.json",
    "multirun.yaml", "provenance.json", "pruned.txt", "search.db", "summary.csv", "summary.md", "tensorboard",
)  # fmt: skip
# And wherever they lie.
_SUFFIXES = (".ckpt", ".log")


def check_replaces_nothing(path: Path) -> None:
    """Refuse to write a command's output under a name that a run keeps its own results under.

    Args:
        path: where the output shall stand; it need not exist: a ``metrics.json`` would make a run a finished one.

    Raises:
        UsageError: where it would be one of the files of a run or a sweep.
    """
    resolved = path.resolve()
    for folder in resolved.parents:
        first = resolved.relative_to(folder).parts[0]
        if (first in _WRITTEN or resolved.suffix in _SUFFIXES) and _is_of_runs(folder):
            raise UsageError(
                f"output must not be a file that a run has written itself, got {path} in the run's folder {folder}; "
                "name another, or delete the run first"
            )


def _is_of_runs(folder: Path) -> bool:
    """Whether a folder is a run's or a sweep's."""
    is_run = (folder / "config.yaml").is_file() and (folder / "checkpoints").is_dir()
    return is_run or (folder / "multirun.yaml").is_file() or (folder / ".hydra" / "overrides.yaml").is_file()
