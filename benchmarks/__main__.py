"""Measure the project against what a user would pick instead: ``make bench``, or ``make bench PARTS="step process"``.

    python benchmarks                      # all parts, 90 minutes on two quiet cores
    python benchmarks step process         # some
    python benchmarks report               # only write the tables again, from the results that there are
    python benchmarks --quick              # sizes that only show that the scripts work, into logs/benchmarks

Each part is a process of its own and a script of its own. Results are JSON files and figures in benchmarks/results/;
their tables stand in docs/benchmarks.md and README.md between markers. What is broken off keeps what it has measured.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from measuring import QUICK_RESULTS, RESULTS, ROOT
from report import write_tables

# Minutes that each takes on two quiet cores.
PARTS = {"command_line": 1, "step": 4, "process": 4, "reuse": 3, "growth": 7, "sweeps": 70}
INTERRUPTED_STATUS = 130


def main() -> None:
    """Measure the parts, one after the other, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)} or report; by default all")
    parser.add_argument("--quick", action="store_true", help="sizes that only show that the scripts work")
    parser.add_argument("--folder", type=Path, help="of the results; the tables are written for the usual one alone")
    typed = parser.parse_args()
    unknown = set(typed.parts) - {*PARTS, "report"}
    if unknown:
        parser.error(f"a part must be one of {', '.join(PARTS)} or report, got {', '.join(sorted(unknown))}")
    folder = typed.folder or (QUICK_RESULTS if typed.quick else RESULTS)
    parts = [part for part in typed.parts or PARTS if part != "report"]
    status = 0
    for part in parts:
        print(f"{part}, about {PARTS[part]} min", file=sys.stderr)
        command = [sys.executable, f"benchmarks/{part}.py", "--folder", folder.absolute()]
        try:
            ended = subprocess.run([*command, *(["--quick"] if typed.quick else [])], cwd=ROOT, check=False)
        except KeyboardInterrupt:
            status = INTERRUPTED_STATUS
            break
        # The other parts are still worth measuring.
        status = status or ended.returncode
    if folder == RESULTS:
        write_tables(folder)
    sys.exit(status)


if __name__ == "__main__":
    main()
