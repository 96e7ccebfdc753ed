"""Time of a run with figures against one without: python benchmarks/figures.py [repeats].

Prints the median seconds of whole processes, the two kinds taken in turn.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
RUNS = {
    "logistic on breast_cancer": ("model=logistic", "trainer.max_epochs=30"),
    "digits_mlp on digits": ("model=digits_mlp", "trainer.max_epochs=10"),
    "binary_mlp on moons": ("model=binary_mlp", "data=moons", "trainer.max_epochs=30"),
    "linear on diabetes": ("model=linear", "trainer.max_epochs=30"),
}


def seconds(*overrides: str) -> float:
    """Wall time of one process."""
    with tempfile.TemporaryDirectory() as logs:
        started = time.perf_counter()
        command = [sys.executable, "train.py", *overrides, f"paths.log_dir={logs}"]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        return time.perf_counter() - started


def main() -> None:
    """Measure each kind of run."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for name, overrides in RUNS.items():
        taken: dict[str, list[float]] = {"end": [], "none": []}
        for _ in range(repeats):
            for figures, times in taken.items():
                times.append(seconds(*overrides, f"figures={figures}"))
        with_figures, without = (statistics.median(times) for times in taken.values())
        print(f"{name:<28} with {with_figures:6.2f} s  without {without:6.2f} s  more {with_figures - without:5.2f} s")


if __name__ == "__main__":
    main()
