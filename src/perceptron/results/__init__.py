"""Runs and sweeps in Python: read from their folders, or trained and returned."""

from perceptron.results.run_result import RunResult, load_run
from perceptron.results.sweep_result import SweepResult, load_sweep
from perceptron.results.training import sweep, train

__all__ = ["RunResult", "SweepResult", "load_run", "load_sweep", "sweep", "train"]
