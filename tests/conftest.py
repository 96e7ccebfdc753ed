import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# Small networks are slower with more threads, and tests run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).parent.parent
CommandLine = Callable[..., subprocess.CompletedProcess[str]]


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
