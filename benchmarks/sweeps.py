"""A sweep by each launcher and by scikit-learn with joblib, by population.py; its scaling; and sweeps of a mixed table.

70 minutes, with pauses.

python benchmarks/sweeps.py
"""

import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

import mixed_table
from measuring import Results, arguments
from sklearn.exceptions import ConvergenceWarning

import population


def main() -> None:
    """Measure 64 seeds of digits_mlp for 20 epochs, and 1 to 256 members."""
    typed = arguments(__doc__, rounds=5, pause=population.PAUSE)
    members, epochs = (2, 1) if typed.quick else (64, 20)
    warnings.simplefilter("ignore", ConvergenceWarning)
    results = Results("sweeps", typed.folder, quick=typed.quick)
    results.save()
    title = f"sweep of {members} seeds, {epochs} epochs, {os.cpu_count()} cores, a job"
    entry = results.comparison(title, unit="s", base="population")
    for _ in range(typed.rounds):
        for name, rates in population.speed(members, epochs, 1, pause=typed.pause).items():
            entry["values"].setdefault(name, []).extend(1 / rate for rate in rates)
        results.save()
    with tempfile.TemporaryDirectory() as folder:
        for sweep in mixed_table.SWEEPS:
            title = f"mixed table of {200 if typed.quick else 5000:,} rows, {sweep}, a job"
            entry = results.comparison(title, unit="s", base="population")
            sides = mixed_table.sides(Path(folder), sweep, quick=typed.quick)
            for number in range(typed.rounds):
                for name, side in sides.items():
                    time.sleep(typed.pause)
                    entry["values"].setdefault(name, []).append(side())
                    results.save()
                    value = entry["values"][name][-1]
                    print(f"{title}, {number + 1}/{typed.rounds}, {name}: {value:.3g} s", file=sys.stderr)
    # After the sweeps, because it takes one thread and leaves it at that.
    population.scaling([1, 2] if typed.quick else [1, 4, 16, 64, 256], typed.folder)
    results.finish()


if __name__ == "__main__":
    main()
