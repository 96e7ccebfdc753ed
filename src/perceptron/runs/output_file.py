"""Where a command may write its output: never over a file that a run or a sweep keeps."""

from pathlib import Path

from perceptron.errors import UsageError

# Files and folders of a run or a sweep, by the first part of their path in its folder.
_KEPT = (
    ".hydra", ".lock", "config.yaml", "csv", "data_report.json", "error.txt", "experiment", "figures", "history.json",
    "jobs.json", "metrics.json", "multirun.yaml", "provenance.json", "pruned.txt", "search.db", "summary.csv",
    "summary.md", "tensorboard",
)  # fmt: skip
# Files of a run in any of its subfolders.
_KEPT_SUFFIXES = (".ckpt", ".log")


def output_path(wanted: str) -> Path:
    """Path of a command's output.

    Raises:
        UsageError: if its folder does not exist, it is a folder, or a run or a sweep keeps a file under this name.
    """
    path = Path(wanted)
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(
            f"output must be a file in an existing folder, got {wanted}; create the folder or name another"
        )
    _check_not_a_run_file(path)
    return path


def _check_not_a_run_file(path: Path) -> None:
    """Refuse a path under which a run or a sweep keeps its own results.

    The file need not exist: a new ``metrics.json`` would make a run count as finished.

    Args:
        path: of the output.

    Raises:
        UsageError: if it is such a path.
    """
    resolved = path.resolve()
    for folder in resolved.parents:
        first = resolved.relative_to(folder).parts[0]
        if (first in _KEPT or resolved.suffix in _KEPT_SUFFIXES) and _holds_a_run(folder):
            raise UsageError(
                f"output must not be a file that a run has written itself, got {path} in the run's folder {folder}; "
                "name another, or delete the run first"
            )


def _holds_a_run(folder: Path) -> bool:
    """Whether a folder is that of a run or a sweep."""
    is_run = (folder / "config.yaml").is_file() and (folder / "checkpoints").is_dir()
    return is_run or (folder / "multirun.yaml").is_file() or (folder / ".hydra" / "overrides.yaml").is_file()
