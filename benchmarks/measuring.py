"""What all benchmarks share: sides taken in turn, ratios with quartiles, the machine, results that survive a Ctrl-C.

Imports nothing heavy, so that a process that only starts others stays small.
"""

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
# A small size is for trying the scripts; it leaves the results alone.
QUICK_RESULTS = ROOT / "logs" / "benchmarks"
_LIBRARIES = (
    "torch",
    "lightning",
    "torchmetrics",
    "hydra-core",
    "scikit-learn",
    "numpy",
    "tensorboard",
    "joblib",
    "skorch",
)

Side = Callable[[], float]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Ways to do the same.

    Attributes:
        title: what is done.
        unit: of the values; less is better.
        base: the side by whose value of the same round the others are divided.
        sides: each does it once and gives its value.
    """

    title: str
    unit: str
    base: str
    sides: Mapping[str, Side]

    def __post_init__(self) -> None:
        if self.base not in self.sides:
            raise ValueError(f"base must be one of {', '.join(self.sides)}, got {self.base}")


class Results:
    """A JSON file of one part, written after every value, so that a part that is broken off keeps what it measured.

    Args:
        part: name of the part and of its file.
        folder: where the file lies.
        quick: whether the sizes are too small to say anything.
    """

    def __init__(self, part: str, folder: Path, *, quick: bool = False) -> None:
        self.path = folder / f"{part}.json"
        self.content: dict[str, Any] = {
            "part": part,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            # From the repository, without the folders above it.
            "command": shlex.join(["python", *(text.removeprefix(f"{ROOT}/") for text in sys.argv)]),
            "quick": quick,
            "finished": False,
            "machine": machine(),
            "comparisons": [],
        }

    def comparison(self, title: str, *, unit: str, base: str) -> dict[str, Any]:
        """A new entry, whose ``values`` hold a list a side."""
        entry: dict[str, Any] = {"title": title, "unit": unit, "base": base, "values": {}}
        self.content["comparisons"].append(entry)
        return entry

    def save(self) -> None:
        """Write all so far; the file is never half written."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        whole = self.path.with_suffix(".part")
        whole.write_text(json.dumps(self.content, indent=2) + "\n", encoding="utf-8")
        whole.replace(self.path)

    def finish(self) -> None:
        """Say that nothing is missing, and print the table."""
        self.content["finished"] = True
        self.save()
        if self.content["comparisons"]:
            print(table([self.content]))


def measure(comparison: Comparison, results: Results, *, rounds: int, warm_up: bool = True) -> None:
    """Take the sides in turn, in every second round backwards, so that all meet the same machine."""
    entry = results.comparison(comparison.title, unit=comparison.unit, base=comparison.base)
    if warm_up:
        for side in comparison.sides.values():
            side()
    for number in range(rounds):
        order = list(comparison.sides.items())
        for name, side in order if number % 2 == 0 else reversed(order):
            value = side()
            entry["values"].setdefault(name, []).append(value)
            results.save()
            print(f"{comparison.title}, {number + 1}/{rounds}, {name}: {value:.4g} {comparison.unit}", file=sys.stderr)


def process_seconds(*command: object, cwd: Path = ROOT, status: int = 0) -> float:
    """Wall time of a process from its start to its end.

    Raises:
        RuntimeError: where it ends with another status.
    """
    started = time.perf_counter()
    ended = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if ended.returncode != status:
        words = " ".join(str(word) for word in command)
        raise RuntimeError(f"{words} ended with {ended.returncode}:\n{ended.stderr[-2000:]}")
    return seconds


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def ratios(entry: Mapping[str, Any], side: str) -> list[float]:
    """A side's values over those of the base, round by round; of a round that was broken off, nothing."""
    of_side, of_base = entry["values"].get(side, []), entry["values"].get(entry["base"], [])
    # The clock of processor time may not have moved for the base.
    return [value / base for value, base in zip(of_side, of_base, strict=False) if base]


def table(parts: Sequence[Mapping[str, Any]]) -> str:
    """All comparisons in Markdown: medians, with quartiles in brackets."""
    lines = ["| | | median (quartiles) | times as long (quartiles) |", "|---|---|---|---|"]
    for part in parts:
        for entry in part["comparisons"]:
            title = entry["title"]
            for side, values in entry["values"].items():
                compared = ratios(entry, side)
                ratio = "1" if side == entry["base"] else _spread(compared) if compared else ""
                lines.append(f"| {title} | {side} | {_spread(values)} {entry['unit']} | {ratio} |")
                title = ""
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    low, middle, high = quartiles(values)
    return f"{_short(middle)} ({_short(low)} to {_short(high)})"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def machine() -> dict[str, Any]:
    """What the numbers depend on."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load": [round(value, 2) for value in os.getloadavg()],
        "system": platform.platform(),
        "python": platform.python_version(),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS"),
        "commit": _commit(),
        "versions": {name: found for name in _LIBRARIES if (found := _version(name))},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _commit() -> str | None:
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def arguments(description: str | None, *, rounds: int, pause: float | None = None) -> argparse.Namespace:
    """What every part takes: ``--rounds``, ``--quick`` and ``--folder``; and ``--pause`` where it has pauses."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, help=f"how often each side is taken; {rounds} unless --quick")
    parser.add_argument("--quick", action="store_true", help="sizes that only show that the script works")
    parser.add_argument("--folder", type=Path, help="of the results")
    if pause is not None:
        parser.add_argument("--pause", type=float, help=f"seconds before each sweep; {pause:g} unless --quick")
    typed = parser.parse_args()
    if pause is not None and typed.pause is None:
        typed.pause = 0 if typed.quick else pause
    typed.rounds = typed.rounds or (1 if typed.quick else rounds)
    typed.folder = typed.folder or (QUICK_RESULTS if typed.quick else RESULTS)
    return typed
