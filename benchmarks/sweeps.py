"""A sweep by each launcher and by scikit-learn with joblib, by population.py; and its scaling. 28 minutes, with pauses.

python benchmarks/sweeps.py
"""

import os
import warnings

from measuring import Results, arguments
from sklearn.exceptions import ConvergenceWarning

import population


def main() -> None:
    """Measure 64 seeds of digits_mlp for 20 epochs, and 1 to 256 members."""
    typed = arguments(__doc__, rounds=5)
    members, epochs, pause = (2, 1, 0) if typed.quick else (64, 20, population.PAUSE)
    warnings.simplefilter("ignore", ConvergenceWarning)
    results = Results("sweeps", typed.folder, quick=typed.quick)
    results.save()
    title = f"sweep of {members} seeds, {epochs} epochs, {os.cpu_count()} cores, a job"
    entry = results.comparison(title, unit="s", base="population")
    for _ in range(typed.rounds):
        for name, rates in population.speed(members, epochs, 1, pause=pause).items():
            entry["values"].setdefault(name, []).extend(1 / rate for rate in rates)
        results.save()
    # After the sweeps, because it takes one thread and leaves it at that.
    population.scaling([1, 2] if typed.quick else [1, 4, 16, 64, 256], typed.folder)
    results.finish()


if __name__ == "__main__":
    main()
