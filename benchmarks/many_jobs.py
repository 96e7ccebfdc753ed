"""Many short jobs in one process: does its memory stay flat, and is the last job the same as alone?

python benchmarks/many_jobs.py [number of jobs]
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import ROOT

SETTINGS = ("model=binary_mlp", "trainer.max_epochs=2", "callbacks.early_stopping=null")
# A job is 0.2 to 1 s; the figures below need no more.
_SECONDS_BETWEEN_LOOKS = 0.2


def resident_mib(pid: int) -> float:
    """Memory of a process that lies in RAM, in MiB, as Linux tells it."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Run the sweep, then its last job alone, and print memory and difference."""
    n_jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as logs:
        train = [sys.executable, str(ROOT / "train.py")]
        own = [*SETTINGS, f"paths.log_dir={logs}"]
        process = subprocess.Popen(
            [*train, "-m", *own, f"seed=range({n_jobs})"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
        )
        memory: dict[int, float] = {}
        while process.poll() is None:
            done = len(list(Path(logs).glob("train/multiruns/*/*/metrics.json")))
            try:
                memory.setdefault(done, resident_mib(process.pid))
            except (OSError, StopIteration):
                break
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        print("exit status", process.wait())
        for mark in (5, 10, n_jobs // 4, n_jobs // 2, 3 * n_jobs // 4, n_jobs - 1):
            seen = max((done for done in memory if done <= mark), default=0)
            print(f"after {seen:4} jobs  {memory[seen]:7.1f} MiB")
        subprocess.run([*train, *own, f"seed={n_jobs - 1}"], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        (swept,) = Path(logs).glob(f"train/multiruns/*/{n_jobs - 1}/metrics.json")
        (alone,) = Path(logs).glob("train/runs/*/metrics.json")
        same = json.loads(swept.read_text(encoding="utf-8")) == json.loads(alone.read_text(encoding="utf-8"))
        print(f"job {n_jobs} equals the same job alone: {same}")


if __name__ == "__main__":
    main()
