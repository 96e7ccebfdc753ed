"""perceptron: from a lecture notebook on neural networks to real experiments.

``load_run`` and ``load_sweep`` read what runs and sweeps leave, ``train`` and ``sweep`` run them; see docs/python.md.
"""

from perceptron.version import VERSION

# Not typing's: with python -m perceptron this file runs while a typing.py of the working folder would replace Python's.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from perceptron.errors import UsageError
    from perceptron.results import RunResult, SweepResult, load_run, load_sweep, sweep, train

__version__ = VERSION

__all__ = ["RunResult", "SweepResult", "UsageError", "__version__", "load_run", "load_sweep", "sweep", "train"]


def __getattr__(name: str) -> object:
    """Import a public name when it is used: every command imports this file, and must not wait for all of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("perceptron.errors" if name == "UsageError" else "perceptron.results"), name)


def __dir__() -> list[str]:
    """The public names, for completion."""
    return sorted({*globals(), *__all__})
