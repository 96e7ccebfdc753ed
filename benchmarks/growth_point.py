"""One point of growth.py: a default run and a bare loop on a made table, in turn, in this process.

python benchmarks/growth_point.py '{"rows": 100000, "features": 50, "width": 100, "batch": 1024}' 2 1.0
"""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from default_run import timed_fit
from step import train_bare

from perceptron.networks import MLP
from perceptron.training.lightning_messages import silence_lightning
from perceptron.training.threads import set_threads

TRAINING_SHARE = 0.8
MOST_EPOCHS = 200


def made_table(*, rows: int, features: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Normal features, and two classes that the first of them tells: float32, so that nothing needs a second copy."""
    values = np.random.default_rng(0).standard_normal((rows, features), dtype=np.float32)
    return values, (values[:, 0] > 0).astype(np.int64)


def peak_mib() -> float:
    """The most memory that this process has had in RAM so far.

    Linux counts its parent's at the start too, so the parent must be small.
    """
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def flops_per_second() -> float:
    """Of a large matrix product on the threads that torch has now; the best of ten."""
    matrix = torch.randn(1024, 1024)
    return 2 * 1024**3 / _best(lambda: torch.mm(matrix, matrix))


def bytes_per_second() -> float:
    """Of reading memory far larger than the caches, on the threads that torch has now; the best of ten."""
    values = torch.ones(2**26)
    return 4 * len(values) / _best(lambda: values.sum())


def _best(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(10):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best


def main() -> None:
    """Measure, and print JSON."""
    sizes, rounds, seconds = json.loads(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    silence_lightning()
    overrides = (
        "model=digits_mlp", "data=classification", "data.dataset._target_=growth_point.made_table",
        *(f"~data.dataset.{name}" for name in (
            "n_samples", "n_features", "n_informative", "n_redundant", "n_classes", "random_state"
        )),
        f"+data.dataset.rows={sizes['rows']}", f"+data.dataset.features={sizes['features']}",
        "data.val_fraction=0.1", "data.test_fraction=0.1", f"data.batch_size={sizes['batch']}",
        f"model.network.hidden=[{sizes['width']},{sizes['width']}]",
        "trainer.accelerator=cpu", "test=false", "figures=none", "callbacks.early_stopping=null",
    )  # fmt: skip
    trained = round(TRAINING_SHARE * sizes["rows"])
    network = MLP(n_features=sizes["features"], n_outputs=2, hidden=(sizes["width"], sizes["width"]))
    # What a run imports lies in memory before it is measured: the first optimizer and the first small run do.
    timed_fit(*overrides, "data.dataset.rows=200", "trainer.max_epochs=1")
    # The bare loop gets as many as the run.
    set_threads("auto", network, rows_per_step=sizes["batch"])
    imports = peak_mib()
    per_row = _seconds_per_row(network, sizes)
    epochs = int(min(max(seconds / (per_row * trained), 1), MOST_EPOCHS))

    own, bare = [], []
    peak = 0.0
    for number in range(rounds):
        clock = timed_fit(*overrides, f"trainer.max_epochs={epochs}")
        # Later rounds share the process with the bare loop's rows.
        peak = peak or peak_mib()
        steps_an_epoch = -(-trained // sizes["batch"])
        rows_seen = clock.steps * trained / steps_an_epoch
        own.append(rows_seen / clock.seconds)
        features, target = made_table(rows=sizes["rows"], features=sizes["features"])
        table = torch.from_numpy(features[:trained]), torch.from_numpy(target[:trained])
        started = time.perf_counter()
        train_bare(network, *table, batch=sizes["batch"], epochs=epochs)
        bare.append(trained * epochs / (time.perf_counter() - started))
        del features, target, table
        if number == 0 and sizes["rows"] >= 10_000_000:
            break
    data_mib = sizes["rows"] * (4 * sizes["features"] + 8) / 2**20
    print(
        json.dumps(
            {
                "rows_per_second": statistics.median(own),
                "bare_rows_per_second": statistics.median(bare),
                "share_of_bare": statistics.median(a / b for a, b in zip(own, bare, strict=True)),
                "rounds": {"perceptron": own, "bare": bare},
                "threads": torch.get_num_threads(),
                "epochs": epochs,
                "imports_mib": imports,
                "peak_mib": peak,
                "data_mib": data_mib,
                "peak_over_data": (peak - imports) / data_mib,
                "flops_per_second": flops_per_second(),
                "bytes_per_second": bytes_per_second(),
            }
        )
    )


def _seconds_per_row(network: torch.nn.Module, sizes: dict[str, int]) -> float:
    """Of a few steps of the bare loop."""
    rows = 5 * sizes["batch"]
    features, target = made_table(rows=rows, features=sizes["features"])
    table = torch.from_numpy(features), torch.from_numpy(target)
    train_bare(network, *table, batch=sizes["batch"], epochs=1)
    started = time.perf_counter()
    train_bare(network, *table, batch=sizes["batch"], epochs=1)
    return (time.perf_counter() - started) / rows


if __name__ == "__main__":
    main()
