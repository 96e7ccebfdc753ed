"""A job on several devices: a run by a command line of its own, which a strategy's processes can be started with.

Lightning starts them with the command line of the process that trains, and that of a sweep would run the whole sweep
again. Its process group cannot be made a second time in one process either.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Quote, QuotedString
from omegaconf import OmegaConf

from perceptron.errors import UsageError

# What the job's own command line sets, and what belongs to the sweep around it.
_OF_SWEEP = ("hydra.mode", "hydra.run.dir", "hydra.sweep", "hydra.job.num", "hydra.job.id", "hydra.output_subdir",
             "hydra.launcher", "hydra/launcher", "hydra.sweeper", "hydra/sweeper", "hydra.callbacks.sweep")  # fmt: skip
_ERROR = "error: "


def needs_processes(trainer: Mapping[str, Any]) -> bool:
    """Whether a job trains in several processes, or may: how many devices a machine has is not known yet."""
    devices = trainer["devices"]
    return str(devices if isinstance(devices, int | str) else len(devices)) != "1"


def train_in_process(folder: Path, *, ckpt_path: str | None) -> None:
    """Train a job in a process of its own.

    Args:
        folder: of the job.
        ckpt_path: checkpoint that it continues from; None for that of its settings.

    Raises:
        UsageError: the process's own.
        RuntimeError: where it ended otherwise without a result; behind the first line is what it printed.
    """
    hydra: Any = HydraConfig.get()
    arguments = [*run_arguments(hydra), *_overrides(hydra, folder)]
    if ckpt_path is not None:
        arguments.append(f"ckpt_path={quoted(ckpt_path)}")
    run_program(["-m", "perceptron", "train", *arguments], cwd=Path(hydra.runtime.cwd))


def run_program(arguments: Sequence[str], *, cwd: Path) -> None:
    """Run Python in a process of its own.

    Args:
        arguments: of Python.
        cwd: its working folder.

    Raises:
        UsageError: the process's own.
        RuntimeError: where it ended otherwise without a result; behind the first line is what it printed.
    """
    # Modules of the user's own are found where this process finds them.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, *arguments]
    with TemporaryFile() as printed:
        # A session of its own: a terminal's signals reach the sweep, which hands them on to one process at a time.
        process = subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.DEVNULL, stderr=printed, env=environment, start_new_session=True,
            cwd=cwd,
        )  # fmt: skip
        try:
            status = process.wait()
        except BaseException:
            process.send_signal(signal.SIGTERM)
            process.wait()
            raise
        finally:
            # Those that the strategy has started and that its first process has left behind.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        printed.seek(0)
        text = printed.read().decode(errors="replace").strip()
    if status != 0:
        raise _failure(status, text)


def _failure(status: int, printed: str) -> Exception:
    lines = printed.splitlines()
    errors = [line for line in lines if line.startswith(_ERROR)]
    if errors:
        return UsageError(errors[0].removeprefix(_ERROR))
    last = lines[-1] if lines else "it printed nothing"
    return RuntimeError(f"its process ended with status {status}: {last}\n{printed}")


def run_arguments(hydra: Any) -> Iterator[str]:
    """Flags and overrides that a job has in common with its sweep, without those of the sweep around it.

    Args:
        hydra: the node ``hydra`` of the job or of the sweep.
    """
    for source in hydra.runtime.config_sources:
        if source.provider == "command-line":
            yield from ("--config-dir", source.path)
    yield from ("--config-name", hydra.job.config_name)
    # Unresolved, for the texts may hold interpolations.
    overrides: Any = OmegaConf.to_container(hydra.overrides.hydra, resolve=False)
    for text in overrides:
        key = text.partition("=")[0].lstrip("+~")
        if not any(key == own or key.startswith((f"{own}.", f"{own}/")) for own in _OF_SWEEP):
            yield text


def _overrides(hydra: Any, folder: Path) -> Iterator[str]:
    """The job's overrides, and those that make it a run in its folder."""
    overrides: Any = OmegaConf.to_container(hydra.overrides.task, resolve=False)
    yield from overrides
    yield from run_in_folder(folder, sweep=Path(str(hydra.sweep.dir)), number=hydra.job.num)
    # Hydra has written the job's own.
    yield "hydra.output_subdir=null"


def run_in_folder(folder: Path, *, sweep: Path, number: int) -> Iterator[str]:
    """Overrides that make a job a single run in its folder.

    Args:
        folder: of the run.
        sweep: folder of its sweep.
        number: of the job.
    """
    yield "hydra.mode=RUN"
    yield f"hydra.run.dir={quoted(str(folder))}"
    yield f"hydra.sweep.dir={quoted(str(sweep))}"
    yield f"hydra.job.num={number}"
    yield f"hydra.job.id='{number}'"


def quoted(text: str) -> str:
    """A text as a value in Hydra's grammar."""
    return QuotedString(text=text, quote=Quote.single).with_quotes()
