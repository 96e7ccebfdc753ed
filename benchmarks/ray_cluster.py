"""How fast a population trains on a Ray cluster of local nodes, against forked processes.

    python benchmarks/ray_cluster.py [--members 256] [--epochs 20] [--tasks 1 2 4] [--share 16]

A cluster is started for each number of tasks at a time, as many cores claimed. "first" is the time until the first job
is written: Ray's processes start and import torch. "rest" is what follows, in jobs a second. Last, what limits a large
cluster: seconds of the driver, bytes and files of a job.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import ROOT
from ray.cluster_utils import Cluster

SETTINGS = ("model=digits_mlp", "data.batch_size=32", "optimizer.lr=0.05", "callbacks.early_stopping=null")


def sweep(arguments: argparse.Namespace, *overrides: str, address: str | None = None) -> tuple[float, float, Path]:
    """Seconds until the first job was written, seconds after it until the last one, and the folder of the sweep."""
    logs = Path(tempfile.mkdtemp(dir=arguments.logs))
    command = [
        sys.executable, "train.py", "-m", "hydra/launcher=population", *SETTINGS, "figures=none",
        f"seed=range({arguments.members})", f"trainer.max_epochs={arguments.epochs}", f"paths.log_dir={logs}",
        *overrides,
    ]  # fmt: skip
    environment = dict(os.environ) if address is None else {**os.environ, "RAY_ADDRESS": address}
    start = time.time()
    subprocess.run(command, check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    written = sorted(path.stat().st_mtime for path in logs.rglob("metrics.json"))
    if len(written) != arguments.members:
        raise RuntimeError(f"{len(written)} of {arguments.members} jobs have results")
    (folder,) = logs.glob("train/multiruns/*")
    return written[0] - start, written[-1] - written[0], folder


def on_cluster(arguments: argparse.Namespace, tasks: int) -> tuple[float, float, Path]:
    """A sweep on a cluster of so many cores, on two nodes where there are several."""
    cores = [tasks] if tasks == 1 else [tasks // 2, tasks - tasks // 2]
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": cores[0], "include_dashboard": False})
    try:
        for count in cores[1:]:
            cluster.add_node(num_cpus=count)
        return sweep(
            arguments,
            "hydra.launcher.cluster=ray",
            f"hydra.launcher.max_members={arguments.share * tasks}",
            address=cluster.address,
        )
    finally:
        cluster.shutdown()  # type: ignore[no-untyped-call]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--share", type=int, default=16, help="members of a task")
    parser.add_argument("--tasks", type=int, nargs="+", default=[1, 2, 4])
    arguments = parser.parse_args()
    print(f"{arguments.members} members, {arguments.epochs} epochs, {arguments.share} a task, {os.cpu_count()} cores")
    print("| where | first, s | rest, s | jobs a second | all, s |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as logs:
        arguments.logs = logs
        for tasks in arguments.tasks:
            limit = f"hydra.launcher.max_members={arguments.share * tasks}"
            for where, result in (
                (f"{tasks} tasks of Ray", on_cluster(arguments, tasks)),
                (f"{tasks} forked processes", sweep(arguments, limit, f"trainer.num_threads={tasks}")),
            ):
                first, rest, folder = result
                speed = (arguments.members - arguments.share) / rest
                print(f"| {where} | {first:.1f} | {rest:.1f} | {speed:.1f} | {first + rest:.1f} |", flush=True)
        files = [path for path in (folder / "0").rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        print(f"a job: {len(files)} files, {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
