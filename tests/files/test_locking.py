import subprocess
import sys
from pathlib import Path

import pytest

from perceptron.files.locking import lock_exclusively

HOLD = """
import sys
from pathlib import Path
from perceptron.files.locking import lock_exclusively

with Path(sys.argv[1]).open("r+b") as file:
    lock_exclusively(file)
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_a_lock_excludes_other_processes_until_its_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"contents")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder, path.open("r+b") as file:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises((BlockingIOError, PermissionError)):
            lock_exclusively(file)
        assert path.read_bytes() == b"contents"
        holder.kill()
        holder.wait()
        lock_exclusively(file)
