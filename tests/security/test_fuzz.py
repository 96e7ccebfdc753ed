import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_damaged_folders_are_a_line(root: Path) -> None:
    pytest.importorskip("optuna")
    answer = subprocess.run(
        [sys.executable, "tests/security/fuzz.py", "--tries", "32", "--seed", "7"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert answer.stdout.endswith("32 of 32 without a fault\n")
