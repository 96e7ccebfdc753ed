"""Finding the run that ``run=<folder>``, ``run=latest`` or ``run=best`` names."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from perceptron.errors import UsageError
from perceptron.runs.data_identity import data_source, split_settings
from perceptron.runs.folder import Run, find_runs
from perceptron.runs.metric_directions import agreed_direction, stored_directions

# Values of a setting, in a line.
_SHOWN = 3


def find_run(wanted: str, *, among: Path, with_checkpoint: bool = True) -> Run:
    """The run that a command line names.

    Args:
        wanted: a run's folder; ``latest``, the most recently started run; or ``best``, the finished run with the best
            value of the metric that all of them monitored.
        among: folder in which ``latest`` and ``best`` search, at any depth: all logs, a task, a sweep.
        with_checkpoint: whether ``latest`` ignores runs without weights.

    Raises:
        UsageError: if there is none, or ``best`` would compare runs that cannot be compared.
    """
    if wanted not in ("latest", "best"):
        return _named(Path(wanted))
    runs = [run for run in find_runs(among) if not with_checkpoint or has_checkpoint(run)] if among.is_dir() else []
    if wanted == "best":
        return _best([run for run in runs if run.is_finished], among)
    if not runs:
        raise UsageError(f"run=latest needs a run in {among}, got none; train one, or set runs=<folder>")
    return runs[-1]


def find_source(wanted: str, *, among: Path) -> Path:
    """A run's folder, found as by ``find_run``, or a checkpoint file, which needs no folder.

    Raises:
        UsageError: if there is none.
    """
    path = Path(wanted)
    return path if path.is_file() else find_run(wanted, among=among).folder


def has_checkpoint(run: Run) -> bool:
    """Whether a run has a checkpoint."""
    return any((run.folder / "checkpoints").glob("*.ckpt"))


def _named(folder: Path) -> Run:
    if not folder.exists():
        raise UsageError(
            f"run must be a run's folder, latest or best, got {folder}, which does not exist; name another"
        )
    run = Run(folder.resolve())
    if not (run.folder / "config.yaml").is_file():
        if (run.folder / "multirun.yaml").is_file():
            raise UsageError(
                f"run must be a run's folder, got {folder}, which is a sweep's; name the folder of one of its jobs"
            )
        raise UsageError(f"run must be a run's folder, got {folder} without a config.yaml; name another")
    return run


def _best(runs: list[Run], among: Path) -> Run:
    scored = [(run, best) for run in runs if (best := run.best) is not None]
    if not scored:
        raise UsageError(
            f"run=best needs a finished run with a checkpoint in {among}, got none; train one, or set runs=<folder>"
        )
    for what, found in (
        ("one monitored metric", [{"monitor": str(best["monitor"])} for _, best in scored]),
        ("one data set and split", [_compared(run) for run, _ in scored]),
    ):
        n_different = len({tuple(settings.items()) for settings in found})
        if n_different > 1:
            raise UsageError(
                f"run=best compares runs with {what}, got {n_different} in {among}: {_differences(found)}; narrow it "
                "with runs=<folder of a task or a sweep>, or rank settings over all of them: perceptron compare "
                f"{among}"
            )
    direction = agreed_direction(
        scored[0][1]["monitor"],
        (stored_directions(run.provenance) for run, _ in scored),
        fix="name the run's folder",
    )
    sign = 1 if direction == "min" else -1
    return min(scored, key=lambda pair: sign * pair[1]["value"])[0]


def _compared(run: Run) -> dict[str, str]:
    data = run.config.get("data") or {}
    return {key: _short(value) for key, value in (data_source(data) | split_settings(data)).items()}


def _differences(runs: Sequence[Mapping[str, str]]) -> str:
    """The settings in which runs differ, each with its first values."""
    parts = []
    for name in dict.fromkeys(name for settings in runs for name in settings):
        values = sorted({settings.get(name, "none") for settings in runs})
        if len(values) > 1:
            more = [f"{len(values) - _SHOWN} more"] if len(values) > _SHOWN else []
            parts.append(f"{name}={', '.join([*values[:_SHOWN], *more])}")
    return "; ".join(parts)


def _short(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    named = ", ".join(f"{key}={item}" for key, item in value.items() if key not in ("_target_", "_partial_"))
    return f"{str(value.get('_target_')).rpartition('.')[2]}({named})"
