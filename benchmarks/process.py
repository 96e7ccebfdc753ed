"""A whole `python train.py model=digits_mlp`, from its start to its end, against bare_process.py. 4 minutes.

    python benchmarks/process.py

The peer trains as many epochs as the run does before it stops early. With figures=end the peer imports
matplotlib's parts too, and draws nothing.
"""

import re
import subprocess
import sys
import tempfile

from measuring import ROOT, Comparison, Results, arguments, measure, process_seconds

TRAIN = (sys.executable, ROOT / "train.py")
DIGITS = ("model=digits_mlp", "trainer.accelerator=cpu")
PEER = ROOT / "benchmarks" / "bare_process.py"
BARE, OWN = "same imports and bare loop", "python train.py"


def run(*overrides: str) -> float:
    """Seconds of a run whose folder is thrown away."""
    with tempfile.TemporaryDirectory() as logs:
        return process_seconds(*TRAIN, *overrides, f"paths.log_dir={logs}")


def epochs_of(*overrides: str) -> int:
    """How many epochs a run takes, as it says at its end."""
    with tempfile.TemporaryDirectory() as logs:
        ended = subprocess.run(
            [*map(str, TRAIN), *DIGITS, *overrides, f"paths.log_dir={logs}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    said = re.search(r"(\d+) epochs", ended.stdout)
    if said is None:
        raise RuntimeError(f"the run does not say its epochs:\n{ended.stdout}")
    return int(said[1])


def main() -> None:
    """Measure with figures and without."""
    typed = arguments(__doc__, rounds=5)
    results = Results("process", typed.folder, quick=typed.quick)
    short = ["trainer.max_epochs=2"] if typed.quick else []
    epochs = results.content["epochs"] = epochs_of(*short, "figures=none")
    # Files that Python and the system read once lie in memory from here on.
    process_seconds(sys.executable, PEER, epochs, "figures")
    for figures, extra in (("none", []), ("end", ["figures"])):
        sides = {
            BARE: lambda extra=extra: process_seconds(sys.executable, PEER, epochs, *extra),
            OWN: lambda figures=figures: run(*DIGITS, *short, f"figures={figures}"),
        }
        title = f"whole run, figures={figures}"
        measure(Comparison(title=title, unit="s", base=BARE, sides=sides), results, rounds=typed.rounds, warm_up=False)
    results.finish()


if __name__ == "__main__":
    main()
