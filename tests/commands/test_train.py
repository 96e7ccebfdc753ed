import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SETTINGS = ("model=softmax", "data=wine", "trainer.max_epochs=1", "logger=none", "figures=none")


def test_the_whole_command_is_written_down(trained: Callable[..., Path]) -> None:
    run = trained(*SETTINGS)
    command = json.loads((run / "provenance.json").read_text(encoding="utf-8"))["command"]
    assert command == ["perceptron", "train", f"hydra.run.dir={run}", *SETTINGS]


@pytest.mark.slow
@pytest.mark.parametrize("program", [("-m", "perceptron"), (str(Path(sys.executable).with_name("perceptron")),)])
def test_a_second_process_is_started_with_the_same_command(tmp_path: Path, program: tuple[str, ...]) -> None:
    run = tmp_path / "run"
    command = [sys.executable, *program, "train", *SETTINGS, "trainer=ddp_sim", f"hydra.run.dir={run}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    assert "there is no command" not in done.stderr
    assert (run / "metrics.json").is_file()
