"""A job of a sweep, run for a few epochs in a temporary folder to see how long it takes. Imports nothing heavy."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig

from perceptron.composition.population.job_loader import JobLoader
from perceptron.composition.population.multirun_jobs import MultirunJobs
from perceptron.composition.settings.known_targets import ESTIMATOR
from perceptron.composition.settings.sweep_values import composed_job
from perceptron.composition.sweeps.job_list import hydras_settings_as_they_were, placed
from perceptron.composition.sweeps.job_process import (
    needs_processes,
    quoted,
    run_arguments,
    run_in_folder,
    run_program,
)
from perceptron.errors import UsageError
from perceptron.files.containment import is_inside
from perceptron.sweeps.estimate import Measured

# The first is slower than the others; training ends sooner where an epoch is long.
MOST_EPOCHS = 3
# Written by ``repeated_run``.
SECONDS = "seconds.json"
_EPOCHS = "epoch_seconds.json"
_CLOCK = "+callbacks.epoch_clock"
# Others, such as those of services or of the user's own, do more than write into the run's folder.
_LOGGERS = ("lightning.pytorch.loggers.TensorBoardLogger", "lightning.pytorch.loggers.CSVLogger")
_CALLBACKS = ("lightning.pytorch.callbacks.", "perceptron.")
_FOLDERS = ("dirpath", "save_dir", "root_dir", "default_root_dir", "log_dir")


class CannotMeasureError(Exception):
    """A job whose duration only the whole job shows; the text says why."""


def measure_job(config: DictConfig, loader: ConfigLoader, overrides: Sequence[str]) -> Measured:
    """Run a job for a few epochs in a process of its own, and throw away what it writes.

    Args:
        config: the multirun's, with ``hydra``.
        loader: Hydra's.
        overrides: of the job.

    Raises:
        CannotMeasureError: with the reason.
    """
    with TemporaryDirectory(prefix="perceptron-plan-") as name:
        folder = Path(name)
        values = _composed(config, loader, overrides, folder)
        if values["model"]["_target_"] == ESTIMATOR:
            raise CannotMeasureError("scikit-learn fits in one go, and not by epochs")
        if not values["train"]:
            raise CannotMeasureError("it trains nothing")
        max_epochs = values["trainer"]["max_epochs"]
        n_epochs = min(max_epochs, MOST_EPOCHS) if max_epochs and max_epochs > 0 else MOST_EPOCHS
        common = [*run_arguments(config.hydra), *overrides, *_harmless(values, folder)]

        common.append(f"trainer.max_epochs={n_epochs}")
        commands = [[*common, *run_in_folder(folder / str(number), sweep=folder, number=number)] for number in range(2)]
        started = time.perf_counter()
        try:
            if needs_processes(values["trainer"]):
                # Each job starts its processes anew.
                run_program(["-m", "perceptron", "train", *commands[0]], cwd=Path(config.hydra.runtime.cwd))
                seconds = [time.perf_counter() - started]
            else:
                file = folder / "commands.json"
                file.write_text(json.dumps(commands), encoding="utf-8")
                program = ["-m", "perceptron.composition.sweeps.repeated_run", str(file)]
                run_program(program, cwd=Path(config.hydra.runtime.cwd))
                seconds = json.loads((folder / SECONDS).read_text(encoding="utf-8"))
            whole = time.perf_counter() - started
            run = folder / str(len(seconds) - 1)
            epochs = json.loads((run / _EPOCHS).read_text(encoding="utf-8"))
        except (UsageError, RuntimeError, OSError) as error:
            raise CannotMeasureError(f"it fails: {str(error).partition(chr(10))[0]}") from error
        if not epochs:
            raise CannotMeasureError("it trains nothing")
        return Measured(
            epoch_seconds=epochs[-1],
            n_epochs=len(epochs),
            other_seconds=max(0.0, seconds[-1] - sum(epochs)),
            job_bytes=folder_bytes(run),
            # Of a run that was not repeated, it is a small part.
            start_seconds=max(0.0, whole - 2 * seconds[-1]) if len(seconds) == 2 else 0.0,
        )


def folder_bytes(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def strange_parts(config: Mapping[str, Any]) -> Iterator[str]:
    """Loggers and callbacks of services and of the user's own, which may do more than write files."""
    for group, known in (("logger", _LOGGERS), ("callbacks", _CALLBACKS)):
        for name, part in config[group].items():
            if part is not None and not str(part["_target_"]).startswith(known):
                yield f"{group}.{name}"


def folders_elsewhere(config: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """Settings of callbacks, loggers and the trainer that name a folder outside of a temporary one.

    Args:
        config: of a job whose sweep lies there.
        folder: the temporary one.
    """
    parts = {f"{group}.{name}": part for group in ("callbacks", "logger") for name, part in config[group].items()}
    for path, part in {**parts, "trainer": config["trainer"]}.items():
        for name, value in part.items() if isinstance(part, Mapping) else ():
            if name in _FOLDERS and isinstance(value, str) and not is_inside(value, folder):
                yield f"{path}.{name}"


def _composed(config: DictConfig, loader: ConfigLoader, overrides: Sequence[str], folder: Path) -> Mapping[str, Any]:
    """The job's plain configuration, its sweep in a temporary folder."""
    quick, moved = JobLoader(loader), placed(config, str(folder))
    with hydras_settings_as_they_were():
        composed_job(moved, overrides, cast(ConfigLoader, quick))
        return MultirunJobs(quick, moved, [overrides]).job(0).config


def _harmless(config: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """Overrides by which a run writes into a temporary folder alone, and its epochs are measured."""
    yield f"paths.log_dir={quoted(str(folder))}"
    strange = list(strange_parts(config))
    yield from (f"~{part}" for part in strange)
    for key in folders_elsewhere(config, folder):
        if key.rpartition(".")[0] not in strange:
            yield f"{key}='${{paths.output_dir}}/elsewhere'"
    yield f"{_CLOCK}._target_=perceptron.callbacks.EpochClock"
    yield f"{_CLOCK}.path='${{paths.output_dir}}/{_EPOCHS}'"
