"""Kills real training processes at random moments, resumes them, and compares all that they leave, bit for bit.

    python tests/system/kills.py --kills 60

Each case is a process that trains one of the configurations below and gets SIGKILL: at a random moment from outside, or
inside the writing of a checkpoint. Every third is killed once more while it goes on. Then ``perceptron resume`` ends
it. Weights, optimizer, schedule and metrics must be those of a run that nobody disturbed. Exit status 0 where all are.

The processes are forked from one that has imported everything, because importing takes longer than training.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from perceptron import __main__ as command
from perceptron.runs.checkpoint import read_checkpoint
from perceptron.runs.folder import Run

_ALL = ("data=wine", "model=softmax", "data.batch_size=16", "trainer.max_epochs=40", "trainer.accelerator=cpu")
_DEEP = ("model=digits_mlp", "data=wine", "model.network.hidden=[16]", "model.network.dropout=0.3")
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
}
_EVERY = ("0", "0.05", "1000")
_PLACES = ("moment", "moment", "moment", "half_written", "before_rename", "after_rename")
_LONGEST = 120.0


def _in_child(work: Callable[[], None], log: Path) -> int:
    """Fork; the child's number. The child ends with the work's status and never returns."""
    number = os.fork()
    if number:
        return number
    status = 1
    try:
        with log.open("ab") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        work()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _train(folder: Path, configuration: str, every: str) -> None:
    settings = (*CONFIGURATIONS[configuration], f"callbacks.last.every_seconds={every}", f"hydra.run.dir={folder}")
    sys.argv = ["perceptron", "train", *settings]
    command.main()


def _resume(folder: Path) -> None:
    sys.argv = ["perceptron", "resume", f"run={folder}"]
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


def _wait(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _killed(work: Callable[[], None], folder: Path, place: str, chance: random.Random, seconds: float) -> bool:
    """Run work in a process that is killed; False where it was over before."""
    at_write = chance.randint(1, 12)

    def armed() -> None:
        _arm(place, at_write)
        work()

    child = _in_child(armed, folder.with_suffix(".log"))
    if place == "moment":
        begun = time.monotonic()
        while not (folder / "config.yaml").is_file() and time.monotonic() - begun < _LONGEST:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, seconds))
        os.kill(child, signal.SIGKILL)
    return _wait(child) == -signal.SIGKILL


def _left(folder: Path) -> dict[str, Any]:
    """All that must be equal."""
    run = Run(folder)
    left: dict[str, Any] = {"metrics": run.metrics}
    for name in ("best", "last"):
        checkpoint = read_checkpoint(run.checkpoint(name))
        kept = ("state_dict", "optimizer_states", "lr_schedulers", "global_step")
        left |= {f"{name} {key}": checkpoint[key] for key in kept}
    return left


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
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
            status = _wait(_in_child(lambda: _train(folder, configuration, "0.05"), folder.with_suffix(".log")))
            if status:
                raise RuntimeError(folder.with_suffix(".log").read_text())
            took = (folder / "metrics.json").stat().st_mtime - (folder / "config.yaml").stat().st_mtime
            self._known[configuration] = (_left(folder), took)
        return self._known[configuration]


def run_case(root: Path, reference: Reference, number: int, chance: random.Random) -> tuple[str, str]:
    """One run, killed and resumed; a line about it, and what differs, which is empty where nothing does."""
    configuration = list(CONFIGURATIONS)[number % len(CONFIGURATIONS)]
    expected, seconds = reference.of(configuration)
    place = _PLACES[(number + number // len(CONFIGURATIONS)) % len(_PLACES)]
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
    if (folder / "metrics.json").is_file():
        line += " after its end"
    elif twice:
        line += " twice" if _killed(lambda: _resume(folder), folder, "moment", chance, seconds / 2) else ""
    if not (folder / "metrics.json").is_file() and _wait(
        _in_child(lambda: _resume(folder), folder.with_suffix(".log"))
    ):
        return line, f"not resumed, see {folder.with_suffix('.log')}"
    left = _left(folder)
    differing = [name for name in expected if not _same(expected[name], left[name])]
    differing += [f"leftover {path.name}" for path in folder.rglob(".*.tmp")]
    return line, ", ".join(differing)


def main() -> int:
    """Run the cases and say how many are equal."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="keep the run folders")
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="kills_"))
    chance, reference = random.Random(options.seed), Reference(root)  # noqa: S311
    equal = 0
    for number in range(options.kills):
        line, fault = run_case(root, reference, number, chance)
        equal += not fault
        print(f"{line}: {fault or 'equal'}", flush=True)
    print(f"{equal} of {options.kills} equal")
    if equal == options.kills and not options.keep:
        shutil.rmtree(root)
    else:
        print(f"run folders in {root}")
    return int(equal != options.kills)


if __name__ == "__main__":
    sys.exit(main())
