"""evaluate, predict and resume as commands, against importing the same libraries. 3 minutes.

    python benchmarks/reuse.py

predict's rows a second are those of a large Parquet file, its start taken off; its peer reads the same file,
computes and writes the same answers by hand.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from measuring import ROOT, Comparison, Results, arguments, measure, process_seconds

PERCEPTRON = (sys.executable, "-m", "perceptron")
IMPORTS = "importing the same libraries"
COPIES = 200
# Rows of the digits.
N_ROWS = 1797


def write_rows(small: Path, large: Path, *, copies: int) -> None:
    """The digits' rows, and as often as asked, as Parquet files with the names of their columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from sklearn.datasets import load_digits

    bunch = load_digits()
    table = pa.table(dict(zip(bunch.feature_names, bunch.data.T, strict=True)))
    pq.write_table(table, small)
    pq.write_table(pa.concat_tables([table] * copies), large)


def resumed_seconds(run: Path) -> float:
    """A copy of a run goes on for two epochs."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(run, Path(folder) / "run")
        return process_seconds(*PERCEPTRON, "resume", f"run={copy}", "trainer.max_epochs=4", "figures=none")


def main() -> None:
    """Train once, then measure the commands."""
    typed = arguments(__doc__, rounds=4)
    results = Results("reuse", typed.folder, quick=typed.quick)
    copies = 2 if typed.quick else COPIES
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run, small, large, answers = (
            folder / part for part in ("run", "small.parquet", "large.parquet", "out.parquet")
        )
        write_rows(small, large, copies=copies)
        # By as many processes as a user would start.
        process_seconds(
            sys.executable, ROOT / "train.py", "model=digits_mlp", "trainer.max_epochs=2", "trainer.accelerator=cpu",
            "figures=none", f"hydra.run.dir={run}",
        )  # fmt: skip

        def predicted(rows: Path) -> float:
            return process_seconds(*PERCEPTRON, "predict", f"run={run}", f"input={rows}", f"output={answers}")

        def by_hand(rows: Path) -> float:
            peer = ROOT / "benchmarks" / "bare_prediction.py"
            return process_seconds(sys.executable, peer, run / "checkpoints" / "best.ckpt", rows, answers)

        sides = {
            IMPORTS: lambda: process_seconds(sys.executable, ROOT / "benchmarks" / "same_imports.py"),
            "evaluate": lambda: process_seconds(*PERCEPTRON, "evaluate", f"run={run}"),
            f"predict {N_ROWS:,} rows": lambda: predicted(small),
            "resume for two epochs": lambda: resumed_seconds(run),
        }
        commands = Comparison(title="finished runs", unit="s", base=IMPORTS, sides=sides)
        measure(commands, results, rounds=typed.rounds, warm_up=not typed.quick)
        hand = f"{copies * N_ROWS:,} rows by hand"
        sides = {hand: lambda: by_hand(large), "perceptron predict": lambda: predicted(large)}
        rows = Comparison(title="predict", unit="s", base=hand, sides=sides)
        measure(rows, results, rounds=typed.rounds, warm_up=False)
    first, second = (entry["values"] for entry in results.content["comparisons"])
    start, whole = min(first[f"predict {N_ROWS:,} rows"]), min(second["perceptron predict"])
    # Where the start is the longer, the file is too small to tell.
    results.content["predict_rows_per_second"] = (copies - 1) * N_ROWS / (whole - start) if whole > start else None
    results.finish()


if __name__ == "__main__":
    main()
