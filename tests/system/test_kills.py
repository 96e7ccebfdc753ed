import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_killed_runs_end_as_undisturbed_ones(root: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "tests/system/kills.py", "--kills", "6", "--seed", "3"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert answer.stdout.endswith("6 of 6 equal\n")
