"""Kills real training processes at random moments, resumes them, and compares all that they leave, bit for bit.

    python tests/system/kills.py --kills 60

Each case is a process that trains one of the configurations below and gets SIGKILL: at a random moment from outside, or
inside the writing of a checkpoint. Every third is killed once more while it goes on. Then ``perceptron resume``, or
``sweep.resume``, ends it. Weights, optimizer, schedule, metrics, what loggers hold and the figures must be those of a
run that nobody disturbed. Exit status 0 where all are.

The processes are forked from one that has imported everything, because importing takes longer than training; not those
of ``ddp_sim``, which starts its second process as it was started itself.
"""

import math
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from stopped_processes import exit_status, forked, parser, run_cases, temporary_folder
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from perceptron import __main__ as command
from perceptron.runs.checkpoints.checkpoint_file import read_checkpoint
from perceptron.runs.folder import Run

_ALL = ("data=wine", "model=softmax", "data.batch_size=16", "trainer.max_epochs=40", "trainer.accelerator=cpu")
_DEEP = ("model=digits_mlp", "data=wine", "model.network.hidden=[16]", "model.network.dropout=0.3")
_SWEEP = ("-m", "seed=range(4)")
CONFIGURATIONS: dict[str, tuple[str, ...]] = {
    "momentum": (*_ALL, "optimizer=sgd_momentum"),
    "adam_dropout": (*_ALL, *_DEEP, "optimizer=adam"),
    # More steps an epoch than are taken at once.
    "groups_of_steps": (*_ALL, *_DEEP, "optimizer=adam", "data.batch_size=1", "trainer.max_epochs=6"),
    "adamw_cosine": (*_ALL, *_DEEP, "optimizer=adamw", "scheduler=cosine"),
    "onecycle": (*_ALL, *_DEEP, "optimizer=sgd_momentum", "scheduler=onecycle"),
    "plateau": (*_ALL, *_DEEP, "optimizer.lr=1.5", "scheduler=plateau", "scheduler.patience=0"),
    "early_stopping": (*_ALL, *_DEEP, "optimizer.lr=0.3", "callbacks.early_stopping.patience=2"),
    "accumulated": (*_ALL, *_DEEP, "optimizer=adam", "trainer.accumulate_grad_batches=3"),
    "whole_batch": (*_ALL, "data.batch_size=null", "data.val_fraction=0", "trainer.max_epochs=200"),
    "steps": (*_ALL, *_DEEP, "trainer.max_steps=250", "trainer.max_epochs=-1", "trainer.val_check_interval=0.5"),
    "regression": (*_ALL, "model=regression_mlp", "data=diabetes", "optimizer=adam", "scheduler=plateau"),
    "double": (*_ALL, *_DEEP, "optimizer=adam", "trainer.precision=64-true"),
    "bf16_mixed": (*_ALL, *_DEEP, "optimizer=adam", "trainer.precision=bf16-mixed"),
    "bf16": (*_ALL, *_DEEP, "optimizer=adam", "trainer.precision=bf16-true"),
    "fp16": (*_ALL, *_DEEP, "optimizer=sgd_momentum", "trainer.precision=16-true"),
    "figures": (*_ALL, "model=binary_mlp", "data=moons", "data.batch_size=32", "trainer.max_epochs=4", "figures=epoch"),
    "csv": (*_ALL, *_DEEP, "optimizer=adam", "logger=csv"),
    "loggers": (*_ALL, *_DEEP, "optimizer=adam", "logger=many"),
    "workers": (*_ALL, *_DEEP, "optimizer=adam", "data.num_workers=2", "trainer.max_epochs=10"),
    "averaged": (*_ALL, *_DEEP, "+callbacks.average._target_=lightning.pytorch.callbacks.EMAWeightAveraging"),
    "ddp_sim": (*_ALL, *_DEEP, "optimizer=adam", "trainer=ddp_sim", "trainer.max_epochs=15"),
    "sweep": (*_ALL, *_DEEP, *_SWEEP),
    "sweep_population": (*_ALL, *_DEEP, *_SWEEP, "hydra/launcher=population", "trainer.max_epochs=200"),
    "sweep_joblib": (*_ALL, *_DEEP, *_SWEEP, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"),
    "search": (
        *_ALL,
        *_DEEP,
        "-m",
        "hydra/sweeper=optuna",
        "hydra.sweeper.n_trials=4",
        "optimizer.lr=interval(0.01,0.1)",
    ),
}
# Started anew, not forked.
_FRESH = ("ddp_sim",)
# Other shares of a population take sums in another order.
_TOLERANCE = {"sweep_population": 1e-6}
_EVERY = ("0", "0.05", "1000")
_PLACES = ("moment", "moment", "moment", "half_written", "before_rename", "after_rename")
_LONGEST = 120.0


def _train(folder: Path, configuration: str, every: str) -> None:
    own = CONFIGURATIONS[configuration]
    figures = () if configuration == "figures" else ("figures=none",)
    logger = () if configuration in ("csv", "loggers", "regression") else ("logger=none",)
    place = f"hydra.{'sweep' if '-m' in own else 'run'}.dir={folder}"
    _perceptron(configuration, "train", *logger, *figures, *own, f"callbacks.last.every_seconds={every}", place)


def _resume(folder: Path, configuration: str) -> None:
    if "-m" in CONFIGURATIONS[configuration]:
        _perceptron(configuration, "train", f"sweep.resume={folder}")
    else:
        _perceptron(configuration, "resume", f"run={folder}")


def _perceptron(configuration: str, *arguments: str) -> None:
    if configuration in _FRESH:
        os.execv(sys.executable, [sys.executable, "-m", "perceptron", *arguments])  # noqa: S606
    sys.argv = ["perceptron", *arguments]
    command.main()


def _kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _arm(place: str, at_write: int) -> None:
    """Let this process kill itself inside the writing of its n-th checkpoint."""
    left = at_write

    def due() -> bool:
        nonlocal left
        left -= 1
        return left == 0

    if place == "half_written":
        save = torch.save

        def half(contents: Any, file: Any) -> None:
            if due():
                file.write(b"PK half a checkpoint")
                file.flush()
                _kill_self()
            save(contents, file)

        torch.save = half  # type: ignore[assignment]
    elif place in ("before_rename", "after_rename"):
        replace = Path.replace

        def renamed(self: Path, target: Any) -> Path:
            last = str(target).endswith(".ckpt") and due()
            if last and place == "before_rename":
                _kill_self()
            result = replace(self, target)
            if last:
                _kill_self()
            return result

        Path.replace = renamed  # type: ignore[method-assign,assignment]


def _wait(process: int) -> int:
    status = exit_status(process, within=math.inf)
    assert status is not None
    return status


def _killed(work: Callable[[], None], folder: Path, place: str, chance: random.Random, seconds: float) -> bool:
    """Run work in a process that is killed; False where it was over before."""
    at_write = chance.randint(1, 12)

    def armed() -> None:
        _arm(place, at_write)
        work()

    child = forked(armed, folder.with_suffix(".log"))
    if place == "moment":
        begun = time.monotonic()
        while not _is_begun(folder) and time.monotonic() - begun < _LONGEST:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, seconds))
        os.killpg(child, signal.SIGKILL)
    return _wait(child) == -signal.SIGKILL


def _is_begun(folder: Path) -> bool:
    return (folder / "config.yaml").is_file() or (folder / "multirun.yaml").is_file()


def _is_finished(folder: Path) -> bool:
    return (folder / "metrics.json").is_file() or (folder / "summary.md").is_file()


def _left(folder: Path) -> dict[str, Any]:
    """All that must be equal."""
    if not (folder / "multirun.yaml").is_file():
        return _left_by_run(folder)
    jobs = sorted(path.parent for path in folder.glob("*/config.yaml"))
    return {f"{job.name} {name}": value for job in jobs for name, value in _left_by_run(job).items()}


def _left_by_run(folder: Path) -> dict[str, Any]:
    run = Run(folder)
    left: dict[str, Any] = {"metrics": run.metrics}
    for path in sorted([*folder.glob("figures/*"), *folder.glob("csv/metrics.csv")]):
        left[path.name] = path.read_bytes()
    for events_folder in {path.parent for path in (folder / "tensorboard").rglob("events.*")}:
        events = EventAccumulator(str(events_folder)).Reload()
        for name in events.Tags()["scalars"]:
            if name.startswith(("train/", "val/")):
                left[f"tensorboard {name}"] = [(event.step, event.value) for event in events.Scalars(name)]
    for name in ("best", "last"):
        checkpoint = read_checkpoint(run.checkpoint(name))
        kept = ("state_dict", "optimizer_states", "lr_schedulers", "global_step")
        left |= {f"{name} {key}": checkpoint[key] for key in kept}
    return left


def _same(one: Any, other: Any, tolerance: float = 0) -> bool:
    if isinstance(one, torch.Tensor):
        alike = isinstance(other, torch.Tensor) and one.dtype == other.dtype and one.shape == other.shape
        return alike and torch.allclose(one.double(), other.double(), rtol=tolerance, atol=tolerance, equal_nan=True)
    if isinstance(one, dict):
        same_keys = isinstance(other, dict) and one.keys() == other.keys()
        return same_keys and all(_same(one[key], other[key], tolerance) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(_same(a, b, tolerance) for a, b in zip(one, other, strict=True))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
    return bool(one == other)


class Reference:
    """Undisturbed runs, one per configuration, made when they are first needed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, tuple[dict[str, Any], float]] = {}

    def of(self, configuration: str) -> tuple[dict[str, Any], float]:
        """What the run has left, and the seconds that it took behind its configuration."""
        if configuration not in self._known:
            folder = self.root / f"{configuration}_undisturbed"
            status = _wait(forked(lambda: _train(folder, configuration, "0.05"), folder.with_suffix(".log")))
            if status:
                raise RuntimeError(folder.with_suffix(".log").read_text(encoding="utf-8"))
            begun = next(folder / name for name in ("config.yaml", "multirun.yaml") if (folder / name).is_file())
            took = max(path.stat().st_mtime for path in folder.rglob("metrics.json")) - begun.stat().st_mtime
            self._known[configuration] = (_left(folder), took)
        return self._known[configuration]


def run_case(root: Path, reference: Reference, number: int, chance: random.Random) -> tuple[str, str]:
    """One run, killed and resumed; a line about it, and what differs, which is empty where nothing does."""
    configuration = list(CONFIGURATIONS)[number % len(CONFIGURATIONS)]
    expected, seconds = reference.of(configuration)
    place = _PLACES[(number + number // len(CONFIGURATIONS)) % len(_PLACES)]
    if configuration in _FRESH or "-m" in CONFIGURATIONS[configuration]:
        place = "moment"
    every = "0" if place != "moment" else chance.choice(_EVERY)
    twice = number % 3 == 0
    folder = root / f"{number}_{configuration}"
    tries = 0
    while not _killed(lambda: _train(folder, configuration, every), folder, place, chance, seconds):
        # Over before it was killed, or never begun: again.
        shutil.rmtree(folder, ignore_errors=True)
        tries += 1
        seconds *= 0.8
        if tries > 5:
            return f"{number} {configuration} {place}", f"not killed, see {folder.with_suffix('.log')}"
    line = f"{number} {configuration} {place} every={every}"
    goes_on = partial(_resume, folder, configuration)
    if _is_finished(folder):
        line += " after its end"
    elif twice:
        line += " twice" if _killed(goes_on, folder, "moment", chance, seconds / 2) else ""
    if not _is_finished(folder) and _wait(forked(goes_on, folder.with_suffix(".log"))):
        return line, f"not resumed, see {folder.with_suffix('.log')}"
    left = _left(folder)
    tolerance = _TOLERANCE.get(configuration, 0)
    differing = [name for name in expected if name not in left or not _same(expected[name], left[name], tolerance)]
    differing += [f"leftover {path.name}" for path in folder.rglob(".*.tmp")]
    return line, ", ".join(differing)


def main() -> int:
    """Run the cases and print how many are equal."""
    arguments = parser(__doc__, option="--kills", cases=60)
    arguments.add_argument("--only", nargs="*", choices=list(CONFIGURATIONS), help="configurations")
    options = arguments.parse_args()
    for name in [name for name in CONFIGURATIONS if options.only and name not in options.only]:
        del CONFIGURATIONS[name]
    root = temporary_folder("kills")
    reference = Reference(root)
    return run_cases(root, lambda root, number, chance: run_case(root, reference, number, chance), options)


if __name__ == "__main__":
    sys.exit(main())
