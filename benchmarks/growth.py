"""How training grows with rows, features, width and batch: throughput, memory, and the machine's limits. 7 minutes.

    python benchmarks/growth.py
    python benchmarks/growth.py --axes rows

Each point is a process of its own (growth_point.py), so that its peak of memory is its own. The figure shows rows a
second of the project's default run and of a bare PyTorch loop on the same rows, what memory bandwidth and
floating-point rate would allow, both measured on the same machine, and the peak of memory beside the size of the data.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from measuring import QUICK_RESULTS, RESULTS, ROOT, Results

BASE = {"rows": 100_000, "features": 50, "width": 100, "batch": 1024}
AXES = {
    "rows": (1_000, 10_000, 100_000, 1_000_000, 10_000_000),
    "features": (10, 50, 200, 1_000),
    "width": (10, 100, 400, 1_600),
    "batch": (8, 32, 128, 1_024, 8_192),
}
QUICK_AXES = {"rows": (1_000, 5_000), "batch": (32, 1_024)}
FORWARD_AND_BACKWARD = 3
OF_A_PASS = ("rows_per_second", "bare_rows_per_second", "share_of_bare")


def flops_per_row(point: Mapping[str, int]) -> float:
    """Of a row's forward and backward pass; the first layer needs no gradient of its inputs."""
    sizes = (point["features"], point["width"], point["width"], 2)
    products = sum(a * b for a, b in pairwise(sizes))
    return 2.0 * (FORWARD_AND_BACKWARD * products - sizes[0] * sizes[1])


def bytes_per_row(point: Mapping[str, int]) -> float:
    """A row in float32 and its label, read once: what no training in memory can save."""
    return 4.0 * point["features"] + 8


def with_limits(point: dict[str, Any]) -> dict[str, Any]:
    """The point, and rows a second that floating point and memory would allow."""
    return point | {
        "floating_point_limit": point["flops_per_second"] / flops_per_row(point),
        "bandwidth_limit": point["bytes_per_second"] / bytes_per_row(point),
    }


def measured(sizes: dict[str, int], *, rounds: int, seconds: float) -> dict[str, Any]:
    """A point, from its own process."""
    command = [
        sys.executable,
        str(ROOT / "benchmarks" / "growth_point.py"),
        json.dumps(sizes),
        str(rounds),
        str(seconds),
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"the point {sizes} ended with {ended.returncode}:\n{ended.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return with_limits(sizes | found)


def add_pass(point: dict[str, Any], again: Mapping[str, Any]) -> None:
    """Take what was measured again into a point: medians over all passes."""
    point["passes"].append({name: again[name] for name in OF_A_PASS})
    point.update({name: statistics.median(one[name] for one in point["passes"]) for name in OF_A_PASS})


def per_row(points: list[dict[str, Any]]) -> dict[str, dict[str, list[float]]]:
    """What a row costs in large tables, times what it costs in the smallest of them: a value a pass and size."""
    large = [point for point in points if "rows" in point["axes"] and point["rows"] >= BASE["rows"]]
    return {
        name: {
            str(point["rows"]): [
                first[name] / own[name] for first, own in zip(large[0]["passes"], point["passes"], strict=False)
            ]
            for point in large
        }
        for name in ("rows_per_second", "bare_rows_per_second")
    }


def per_row_table(costs: Mapping[str, Mapping[str, list[float]]]) -> str:
    """The same in Markdown: medians and spread."""
    titles = {"rows_per_second": "perceptron", "bare_rows_per_second": "bare loop"}
    sizes = list(next(iter(costs.values()), ()))
    if len(sizes) < 2:
        return ""
    head = [f"{int(size):,} rows" for size in sizes]
    lines = [f"| a row costs, times that of {head[0]} | {' | '.join(head[1:])} |", f"|---|{'---|' * len(head[1:])}"]
    for name, of_sizes in costs.items():
        cells = [
            f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"
            for values in list(of_sizes.values())[1:]
        ]
        lines.append(f"| {titles[name]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def table(points: list[dict[str, Any]]) -> str:
    """All points in Markdown."""
    lines = [
        "| rows | features | width | batch | rows/s | bare loop | share of the bare loop | share of the limit "
        "| peak memory, of the data's size |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for point in points:
        limit = min(point["floating_point_limit"], point["bandwidth_limit"])
        rates = f"{point['rows_per_second']:,.0f} | {point['bare_rows_per_second']:,.0f}"
        shares = f"{point['share_of_bare']:.2f} | {point['rows_per_second'] / limit:.3f}"
        sizes = " | ".join(f"{point[name]:,}" for name in BASE)
        lines.append(f"| {sizes} | {rates} | {shares} | {point['peak_over_data']:.2f} |")
    return "\n".join(lines)


def draw(points: list[dict[str, Any]], folder: Path) -> None:
    """The figure, as PNG and SVG: a column an axis, throughput above and memory below."""
    from matplotlib.figure import Figure

    axes = [axis for axis in BASE if sum(axis in point["axes"] for point in points) > 1]
    if not axes:
        return
    figure = Figure(figsize=(3.6 * len(axes), 6), layout="constrained")
    grid = figure.subplots(2, len(axes), squeeze=False, sharex="col", sharey="row")
    curves = {
        "rows_per_second": ("perceptron", "o-", "C0"),
        "bare_rows_per_second": ("bare PyTorch loop", "s-", "C1"),
        "floating_point_limit": ("floating-point limit", "--", "black"),
        "bandwidth_limit": ("memory-bandwidth limit", ":", "black"),
    }
    for column, axis in enumerate(axes):
        of_axis = sorted((point for point in points if axis in point["axes"]), key=lambda point: point[axis])
        sizes = [point[axis] for point in of_axis]
        above, below = grid[:, column]
        for name, (label, style, color) in curves.items():
            above.loglog(sizes, [point[name] for point in of_axis], style, color=color, label=label, markersize=4)
        below.loglog(sizes, [point["peak_mib"] for point in of_axis], "o-", color="C0", label="peak of the process")
        imports = [point["imports_mib"] for point in of_axis]
        below.loglog(sizes, imports, "-", color="grey", label="after the imports")
        below.loglog(sizes, [point["data_mib"] for point in of_axis], "--", color="black", label="the data in float32")
        below.set_xlabel({"width": "width of both hidden layers"}.get(axis, axis))
    grid[0, 0].set_ylabel("rows a second")
    grid[1, 0].set_ylabel("MiB")
    grid[0, 0].legend(fontsize=7)
    grid[1, 0].legend(fontsize=7)
    base = ", ".join(f"{value:,} {name}" if name != "width" else f"width {value}" for name, value in BASE.items())
    figure.suptitle(f"Growth, each from {base}", fontsize=10)
    for kind in ("png", "svg"):
        figure.savefig(folder / f"growth.{kind}", dpi=130)


def main() -> None:
    """Measure the axes one point after the other, largest last, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--axes", nargs="+", choices=AXES, default=list(AXES))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--passes", type=int, default=3, help="over the tables of 100,000 rows and more, in turn")
    parser.add_argument("--seconds", type=float, default=1.0, help="that a training takes at least, about")
    parser.add_argument("--quick", action="store_true", help="sizes that only show that the script works")
    parser.add_argument("--folder", type=Path)
    typed = parser.parse_args()
    if typed.quick:
        typed.rounds, typed.seconds, typed.passes = 1, 0.05, 1
    folder = typed.folder or (QUICK_RESULTS if typed.quick else RESULTS)
    results = Results("growth", folder, quick=typed.quick)
    points = results.content["points"] = []
    wanted: dict[tuple[int, ...], list[str]] = {}
    for axis in typed.axes:
        for value in (QUICK_AXES if typed.quick else AXES).get(axis, ()):
            wanted.setdefault(tuple((BASE | {axis: value}).values()), []).append(axis)
    order = sorted(wanted, key=lambda values: values[0] * values[1])
    for number in range(typed.passes):
        again = [values for values in order if "rows" in wanted[values] and values[0] >= BASE["rows"]]
        for values in order if number == 0 else again[:: -1 if number % 2 else 1]:
            sizes = dict(zip(BASE, values, strict=True))
            point = measured(sizes, rounds=typed.rounds, seconds=typed.seconds) | {"axes": wanted[values]}
            if number:
                add_pass(points[order.index(values)], point)
            else:
                points.append(point | {"passes": [{name: point[name] for name in OF_A_PASS}]})
            results.content["per_row"] = per_row(points)
            results.save()
            print(table([point]).splitlines()[-1], file=sys.stderr)
    results.finish()
    print(f"{table(points)}\n\n{per_row_table(results.content['per_row'])}")
    draw(points, folder)


if __name__ == "__main__":
    main()
