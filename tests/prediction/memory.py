"""Peak memory of ``perceptron predict`` over CSV files of different lengths.

python tests/prediction/memory.py 500_000 5_000_000
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

N_COLUMNS = 4
_SETTINGS = ("data=iris", "model=softmax", "trainer.max_epochs=1", "trainer.accelerator=cpu", "logger=none")


def write_rows(path: Path, n_rows: int) -> None:
    """A CSV file of so many rows of the iris data's columns."""
    lines = [",".join(f"{(i * 7 + column * 3) % 79 / 10}" for column in range(N_COLUMNS)) + "\n" for i in range(1000)]
    with path.open("w", encoding="utf-8") as file:
        for _ in range(n_rows // len(lines)):
            file.writelines(lines)


def peak_of(*arguments: str) -> tuple[float, float]:
    """Peak of resident memory in MB, and seconds, of ``perceptron <arguments>``."""
    begun = time.monotonic()
    child = subprocess.Popen([sys.executable, "-m", "perceptron", *arguments])
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"perceptron {' '.join(arguments)} ended with {child.returncode}")
    return usage.ru_maxrss / 1024, time.monotonic() - begun


def main(counts: list[int]) -> None:
    """Print a line per length."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        peak_of("train", *_SETTINGS, f"hydra.run.dir={folder / 'run'}")
        for n_rows in counts:
            rows, answers = folder / "rows.csv", folder / "answers.csv"
            write_rows(rows, n_rows)
            peak, seconds = peak_of("predict", f"run={folder / 'run'}", f"input={rows}", f"output={answers}")
            with answers.open("rb") as file:
                n_answers = sum(1 for _ in file) - 1
            size = rows.stat().st_size / 1e6
            print(f"{n_rows:>9,} rows  {size:7.1f} MB  {n_answers:>9,} answers  peak {peak:6.0f} MB  {seconds:5.1f} s")


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]])
