"""What is answered without training, against `import lightning`. 1 minute.

python benchmarks/command_line.py
"""

import sys
from functools import partial

from measuring import ROOT, Comparison, Results, arguments, measure, process_seconds

TRAIN = (sys.executable, ROOT / "train.py")
USAGE_STATUS = 2


def main() -> None:
    """Measure help, a typing error and the composed settings."""
    typed = arguments(__doc__, rounds=7)
    results = Results("command_line", typed.folder, quick=typed.quick)
    sides = {
        "import lightning": partial(process_seconds, sys.executable, "-c", "import lightning"),
        "--help": partial(process_seconds, *TRAIN, "--help"),
        "a setting misspelt": partial(process_seconds, *TRAIN, "optimizer.lrr=0.1", status=USAGE_STATUS),
        "a value of the wrong type": partial(process_seconds, *TRAIN, "optimizer.lr=fast", status=USAGE_STATUS),
        "--cfg job": partial(process_seconds, *TRAIN, "--cfg", "job"),
    }
    comparison = Comparison(title="command line", unit="s", base="import lightning", sides=sides)
    measure(comparison, results, rounds=typed.rounds, warm_up=not typed.quick)
    results.finish()


if __name__ == "__main__":
    main()
