"""Sweeps of a table with columns of any kind, as people have them: seconds a job by each launcher."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import population

RATES = (0.001, 0.002, 0.005, 0.01)
SWEEPS = ("16 seeds x 4 rates", "8 seeds x 8 folds")
_EPOCHS = 20
_JOBS = 64
_LAUNCHERS = {
    "population": ("hydra/launcher=population",),
    "basic launcher": (),
    "joblib launcher, all cores": ("hydra/launcher=joblib",),
}


def write_table(path: Path, rows: int) -> None:
    """Write a CSV file: numbers, categories of which many are rare, truths, dates and gaps; two classes."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame({f"n{i}": random.normal(i, 1 + i, rows).round(3) for i in range(6)})
    for i, count in enumerate((3, 8, 20)):
        frame[f"c{i}"] = random.choice([f"{i}_{j}" for j in range(count)], rows)
    frame["street"] = [f"s{number}" for number in random.zipf(1.6, rows).clip(max=1000)]
    frame["member"] = random.random(rows) < 0.4
    frame["joined"] = (pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 1500, rows), unit="D")).strftime(
        "%Y-%m-%d"
    )
    score = (frame.n0 > 0).astype(int) + (frame.c0 == "0_1") + frame.member + (frame.joined > "2022-01-01")
    frame["churned"] = np.where(score + random.normal(0, 0.5, rows) >= 2, "yes", "no")
    for name in ("n1", "n4", "c1", "joined"):
        frame.loc[random.random(rows) < 0.08, name] = None
    frame.to_csv(path, index=False)


def seconds_a_job(folder: Path, sweep: str, launcher: str, *, quick: bool) -> float:
    """Wall time of a sweep of 64 jobs by a launcher, divided by its jobs.

    Args:
        folder: where the table lies, or is written.
        sweep: one of ``SWEEPS``.
        launcher: a key of the launchers.
        quick: whether to take sizes that say nothing.
    """
    path = folder / "mixed.csv"
    if not path.exists():
        write_table(path, 200 if quick else 5000)
    by_rates = sweep == SWEEPS[0]
    n_others = 4 if by_rates else 8
    n_seeds = 1 if quick else _JOBS // n_others
    varied = (f"optimizer.lr={','.join(map(str, RATES))}",) if by_rates else ("data.folds=8", "data.fold=range(8)")
    n_jobs = n_seeds * n_others
    seconds = population.multirun_seconds(
        n_jobs, "data=table", f"data.path={path}", "data.target=churned", f"seed=range({n_seeds})", *varied,
        f"trainer.max_epochs={1 if quick else _EPOCHS}", "data.batch_size=32", "callbacks.early_stopping=null",
        "figures=none", *_LAUNCHERS[launcher],
    )  # fmt: skip
    return seconds / n_jobs


def sides(folder: Path, sweep: str, *, quick: bool) -> dict[str, Callable[[], float]]:
    """Each launcher's seconds a job."""
    return {
        name: lambda name=name: seconds_a_job(folder, sweep, name, quick=quick)  # type: ignore[misc]
        for name in _LAUNCHERS
    }
