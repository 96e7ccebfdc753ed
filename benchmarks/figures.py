"""Time of a run with figures against one without, as whole processes: python benchmarks/figures.py [--rounds 5]."""

from functools import partial

from measuring import Comparison, Results, arguments, measure
from process import run

RUNS = {
    "logistic on breast_cancer": ("model=logistic", "trainer.max_epochs=30"),
    "digits_mlp on digits": ("model=digits_mlp", "trainer.max_epochs=10"),
    "binary_mlp on moons": ("model=binary_mlp", "data=moons", "trainer.max_epochs=30"),
    "linear on diabetes": ("model=linear", "trainer.max_epochs=30"),
}


def main() -> None:
    """Measure each kind of run."""
    typed = arguments(__doc__, rounds=5)
    results = Results("figures", typed.folder, quick=typed.quick)
    for title, overrides in list(RUNS.items())[: 1 if typed.quick else None]:
        sides = {f"figures={figures}": partial(run, *overrides, f"figures={figures}") for figures in ("none", "end")}
        comparison = Comparison(title=title, unit="s", base="figures=none", sides=sides)
        measure(comparison, results, rounds=typed.rounds, warm_up=False)
    results.finish()


if __name__ == "__main__":
    main()
