import logging
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, open_dict

from perceptron import __main__ as perceptron_command
from perceptron.composition.settings.conf_folder import CONF_DIR

# Small networks are slower with more threads, and tests run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).parent.parent
CommandLine = Callable[..., subprocess.CompletedProcess[str]]
Perceptron = Callable[..., "Answer"]


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call() -> Generator[None, object, object]:
    """Skip a test that itself needs what the system lacks, such as a FIFO or SIGKILL on Windows."""
    try:
        return (yield)
    except AttributeError as error:
        is_missing = isinstance(error.obj, ModuleType) and error.obj.__name__ in ("os", "signal")
        *_, (frame, _) = traceback.walk_tb(error.__traceback__)
        while frame.f_globals.get("__name__") == "sitecustomize" and frame.f_back is not None:
            frame = frame.f_back
        if is_missing and Path(frame.f_code.co_filename).is_relative_to(ROOT / "tests"):
            pytest.skip(f"this system has no {error.obj.__name__}.{error.name}")
        raise


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    """Run ``python <arguments>`` in the project's folder with logs in a folder of the test's own."""

    def run(*arguments: str, logs: bool = True) -> subprocess.CompletedProcess[str]:
        own = [f"paths.log_dir={tmp_path}"] if logs else []
        # Seconds of each run, where a test does not ask for them.
        if logs and not any(argument.startswith("figures=") for argument in arguments):
            own.append("figures=none")
        return subprocess.run(
            [sys.executable, *arguments, *own],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )

    return run


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def composed(tmp_path: Path) -> Callable[..., tuple[DictConfig, dict[str, str]]]:
    """Configuration and chosen options for overrides, with a run folder of the test's own."""

    def compose_it(*overrides: str, folder: str = ".") -> tuple[DictConfig, dict[str, str]]:
        GlobalHydra.instance().clear()
        (tmp_path / folder).mkdir(exist_ok=True)
        with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
            cfg = compose(
                "train",
                overrides=["figures=none", *overrides, f"paths.output_dir={(tmp_path / folder).resolve()}"],
                return_hydra_config=True,
            )
        HydraConfig.instance().set_config(cfg)
        chosen = dict(cfg.hydra.runtime.choices)
        with open_dict(cfg):
            del cfg["hydra"]
        return cfg, chosen

    return compose_it


class Answer(NamedTuple):
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A short run of these settings, made once in the session; its folder must not be changed."""
    made: dict[tuple[str, ...], Path] = {}

    def run(*settings: str) -> Path:
        if settings not in made:
            made[settings] = train_in(tmp_path_factory.mktemp("trained") / "run", *settings)
        return made[settings]

    return run


@contextmanager
def _as_it_was() -> Iterator[None]:
    """Take back what a command changes in its process: handlers of signals, Hydra's logging, and variables.

    Lightning leaves the port of processes that train together in a variable, and other processes would take it, too.
    """
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    handlers = [signal.getsignal(number) for number in numbers]
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    environment = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(environment)
        for number, handler in zip(numbers, handlers, strict=True):
            signal.signal(number, handler)
        for added in set(root.handlers) - set(before):
            added.close()
        root.handlers[:] = before
        root.setLevel(level)


@pytest.fixture(autouse=True)
def _left_as_it_was() -> Iterator[None]:
    """Tests call parts that configure logging too; a handler that stays would print in every later test."""
    with _as_it_was():
        yield


def train_in(folder: Path, *settings: str) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["perceptron", "train", f"hydra.run.dir={folder}", *settings])
        with _as_it_was():
            perceptron_command.main()
    return folder


@pytest.fixture
def perceptron(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Perceptron:
    """``perceptron <arguments>`` in this process."""

    def run(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["perceptron", *map(str, arguments)])
        capfd.readouterr()
        status = 0
        with _as_it_was():
            try:
                perceptron_command.main()
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 1
        sys.stdout.flush()
        printed = capfd.readouterr()
        return Answer(status, printed.out, printed.err)

    return run
