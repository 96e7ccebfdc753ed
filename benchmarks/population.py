"""How fast models train side by side: against jobs one after another, jobs on all cores, and scikit-learn.

    python benchmarks/population.py speed            # the table
    python benchmarks/population.py scaling          # the figure: 1 to 256 members, with the floating-point limit
    python benchmarks/population.py gpu              # 1,024 members on a GPU, against one, and against the CPU

A sweep is timed in a process that has imported everything, from its command line to its summary, with all its files:
checkpoints, TensorBoard events, metrics, provenance. Jobs on all cores start their own processes; scikit-learn's are
started before. A pause before each sweep keeps it from what the one before has left to the file system. Each is timed
several times; the table gives median and spread of the throughputs and of their ratios.
"""

import argparse
import contextlib
import io
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import torch

# Without figures, as a population by default.
JOB = ("model=digits_mlp", "data.batch_size=32", "optimizer.lr=0.05", "callbacks.early_stopping=null", "figures=none")
WIDTHS = (64, 100, 100, 10)
BATCH = 32
# Seconds. ext4 takes no inode that was freed in the last minute, and looks at each of them before it takes another:
# where many files were deleted or written over, to make one takes 0.3 ms, and else 0.02 (measured). The jobs of the
# basic launcher write over their last checkpoint in every epoch.
PAUSE = 70.0
_LOGS = Path(__file__).resolve().parent.parent / "logs"


def sweep_seconds(members: int, epochs: int, *overrides: str) -> float:
    """Wall time of a multirun over seeds, in this process."""
    return multirun_seconds(members, *JOB, f"seed=range({members})", f"trainer.max_epochs={epochs}", *overrides)


def multirun_seconds(jobs: int, *overrides: str) -> float:
    """Wall time of a multirun of so many jobs, in this process."""
    from perceptron.composition.command_line import main

    folder = Path(tempfile.mkdtemp(dir=_kept_until_the_end().name))
    sys.argv = ["train.py", "-m", f"paths.log_dir={folder}", *overrides]
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            main()
        except SystemExit as error:
            if error.code:
                raise
    seconds = time.perf_counter() - start
    finished = len(list(folder.rglob("metrics.json")))
    if finished != jobs:
        raise RuntimeError(f"{finished} of {jobs} jobs have results")
    return seconds


@cache
def _kept_until_the_end() -> tempfile.TemporaryDirectory[str]:
    """The folder of all sweeps, where runs lie by default; removed with the process, see ``PAUSE``."""
    _LOGS.mkdir(exist_ok=True)
    return tempfile.TemporaryDirectory(dir=_LOGS, prefix=".benchmark-")


def sklearn_seconds(members: int, epochs: int) -> float:
    """Wall time of as many ``MLPClassifier``s on all cores: same rows, batch, epochs and rate, no output."""
    from joblib import Parallel, delayed

    Parallel(n_jobs=-1)(delayed(_fit_sklearn)(seed, 1) for seed in range(os.cpu_count() or 1))
    start = time.perf_counter()
    Parallel(n_jobs=-1)(delayed(_fit_sklearn)(seed, epochs) for seed in range(members))
    return time.perf_counter() - start


def _fit_sklearn(seed: int, epochs: int) -> float:
    import warnings

    from sklearn.datasets import load_digits
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler

    from perceptron.data import split_rows

    features, labels = load_digits(return_X_y=True)
    split = split_rows(len(labels), labels=labels, val_fraction=0.15, test_fraction=0.2, split_seed=0)
    scaler = StandardScaler().fit(features[split.train])
    network = MLPClassifier(
        WIDTHS[1:-1], solver="sgd", momentum=0, alpha=0, batch_size=BATCH, learning_rate_init=0.05, max_iter=epochs,
        n_iter_no_change=epochs, tol=0, random_state=seed,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network.fit(scaler.transform(features[split.train]), labels[split.train])
    return float(network.score(scaler.transform(features[split.test]), labels[split.test]))


def speed(members: int, epochs: int, repeats: int, *, pause: float = PAUSE) -> dict[str, list[float]]:
    """Jobs a second of each way, one after another in every repeat, so that they meet the same machine.

    Args:
        members: jobs of a sweep.
        epochs: of each job.
        repeats: of all ways.
        pause: seconds before each sweep.
    """
    ways: dict[str, Callable[[], float]] = {
        "population": lambda: sweep_seconds(members, epochs, "hydra/launcher=population"),
        "basic launcher": lambda: sweep_seconds(members, epochs),
        "joblib launcher, all cores": lambda: sweep_seconds(members, epochs, "hydra/launcher=joblib"),
        "MLPClassifier, all cores": lambda: sklearn_seconds(members, epochs),
    }
    # Imports, and what every first run does once.
    sweep_seconds(2, 1, "hydra/launcher=population")
    sweep_seconds(1, 1)
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(repeats):
        for name, run in ways.items():
            if name != "MLPClassifier, all cores":
                time.sleep(pause)
            rates[name].append(members / run())
            print(f"{repeat + 1}/{repeats} {name}: {rates[name][-1]:.2f} jobs/s", file=sys.stderr)
    return rates


def speed_table(rates: dict[str, list[float]]) -> str:
    """Throughputs and how many times theirs the population's is, in Markdown."""
    lines = ["| | jobs/s (spread) | population is faster by (spread) |", "|---|---|---|"]
    for name, own in rates.items():
        ratios = [ours / theirs for ours, theirs in zip(rates["population"], own, strict=True)]
        shown = "" if name == "population" else _spread(ratios)
        lines.append(f"| {name} | {_spread(own)} | {shown} |")
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def step_microseconds(members: int, *, accelerator: str = "cpu", epochs: int = 3) -> float:
    """Microseconds a step and member, whole epochs with their validation, best of ``epochs``."""
    import lightning as L
    from hydra import compose, initialize_config_dir

    from perceptron.composition.population.members import MemberBuilder
    from perceptron.composition.settings.conf_folder import CONF_DIR
    from perceptron.composition.settings.plain import plain
    from perceptron.population import fit_population

    class Clock(L.Callback):
        times: list[float] = []  # noqa: RUF012

        def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
            if trainer.strategy.root_device.type == "cuda":
                torch.cuda.synchronize()
            self.times.append(time.perf_counter())

        on_train_end = on_train_epoch_start

    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        cfg = compose("train", overrides=[*JOB, "paths.output_dir=/tmp", "callbacks.checkpoint=null"])
    builder, made = MemberBuilder(), []
    for seed in range(members):
        cfg.seed = seed
        made.append(builder.build(plain(cfg), {}))
    clock = Clock()
    clock.times = []
    with tempfile.TemporaryDirectory() as folder:
        fit = fit_population(made, clock, accelerator=accelerator, max_epochs=epochs, folder=Path(folder))
    shortest = min(after - before for before, after in zip(clock.times, clock.times[1:], strict=False))
    return shortest / fit.population.n_steps / members * 1e6


def limit_microseconds() -> float:
    """What a step's multiply-adds take at the rate of a large matrix product on one thread."""
    matrix = torch.randn(1024, 1024)
    best = float("inf")
    for _ in range(10):
        start = time.perf_counter()
        torch.mm(matrix, matrix)
        best = min(best, time.perf_counter() - start)
    per_row = sum(a * b for a, b in pairwise(WIDTHS))
    # Forward, and backward to weights and to inputs; the first layer needs no gradient of its inputs.
    products = 3 * per_row - WIDTHS[0] * WIDTHS[1]
    return best * products * BATCH / 1024**3 * 1e6


def scaling(counts: list[int], folder: Path) -> None:
    """Measure, print and draw microseconds a step and member over the number of members."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    torch.set_num_threads(1)
    limit = limit_microseconds()
    times = {count: step_microseconds(count) for count in counts}
    print("| members | µs a step and member, one core |\n|---|---|")
    for count, value in times.items():
        print(f"| {count} | {value:.0f} |")
    print(f"| floating-point limit | {limit:.0f} |")
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.loglog(list(times), list(times.values()), "o-", label="population, one core")
    axes.axhline(limit, color="black", linestyle="--", label="floating-point limit")
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.set(xlabel="members", ylabel="µs a step and member", title="64-100-100-10, batch 32")
    axes.legend()
    figure.savefig(folder / "population.svg")
    (folder / "population.json").write_text(
        json.dumps({"limit": limit, "microseconds": times}, indent=2) + "\n", encoding="utf-8"
    )


def gpu(members: int) -> None:
    """Steps a second and member on a GPU."""
    rows = {
        f"{members} members, GPU": step_microseconds(members, accelerator="gpu"),
        "1 member, GPU": step_microseconds(1, accelerator="gpu"),
        f"{members} members, CPU": step_microseconds(members),
    }
    print("| | µs a step and member | steps of a member a second, summed over members |\n|---|---|---|")
    for name, value in rows.items():
        print(f"| {name} | {value:.1f} | {1e6 / value:,.0f} |")


def main() -> None:
    """See the top."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "scaling", "gpu"))
    parser.add_argument("--members", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--pause", type=float, default=PAUSE, help="seconds before each sweep")
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 4, 16, 64, 256])
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent)
    asked = parser.parse_args()
    if asked.what == "speed":
        rates = speed(asked.members, asked.epochs, asked.repeats, pause=asked.pause)
        print(f"{asked.members} seeds, {asked.epochs} epochs, batch {BATCH}, {os.cpu_count()} cores\n")
        print(speed_table(rates))
    elif asked.what == "scaling":
        scaling(asked.counts, asked.folder)
    else:
        gpu(1024 if asked.members == 64 else asked.members)


if __name__ == "__main__":
    main()
