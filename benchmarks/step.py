"""Time of an optimizer step in ``fit`` against what a user would pick instead, in alternating rounds of one process.

``python benchmarks/step.py --rounds 7 --output results/step.json``. The model is the digits' 64-100-100-10 MLP with SGD
and then one of width and batch 1,024. Evaluation is left out of the step on all sides.
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from sklearn.datasets import load_digits, make_classification
from sklearn.neural_network import MLPClassifier
from torch.utils.data import DataLoader, TensorDataset

from perceptron.callbacks import EpochProgress
from perceptron.composition.logs import tame_lightning
from perceptron.data import TableDataModule
from perceptron.models import MulticlassClassifier, Standardize
from perceptron.networks import MLP

Seconds = float
Side = Callable[[], tuple[Seconds, int]]


class LightningDefaults(L.LightningModule):
    """What Lightning's quick start teaches: collate row by row, log in every step."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:  # noqa: ARG002
        loss = F.cross_entropy(self.network(batch[0]), batch[1])
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.network.parameters(), lr=0.05)


def sides(*, width: int, batch: int, epochs: int) -> dict[str, Side]:
    """Each gives the seconds of its training and the number of its steps."""
    if width == 100:
        dataset = partial(load_digits, return_X_y=True)
    else:
        dataset = partial(
            make_classification, n_samples=20 * batch, n_features=64, n_informative=20, n_classes=10, random_state=0
        )
    data = TableDataModule(dataset=dataset, val_fraction=0, test_fraction=0, batch_size=batch)
    scaling = data.features_scaling
    standardize = Standardize(scaling.mean, scaling.scale)
    features = standardize(torch.from_numpy(data.table.features))
    target = torch.from_numpy(data.table.target)
    steps = epochs * -(-len(target) // batch)

    def network() -> MLP:
        torch.manual_seed(0)
        return MLP(n_features=64, n_outputs=10, hidden=(width, width))

    def bare() -> tuple[Seconds, int]:
        model = network()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        started = time.perf_counter()
        for _ in range(epochs):
            order = torch.randperm(len(target))
            for first in range(0, len(target), batch):
                rows = order[first : first + batch]
                optimizer.zero_grad()
                F.cross_entropy(model(features[rows]), target[rows]).backward()
                optimizer.step()
        return time.perf_counter() - started, steps

    def perceptron() -> tuple[Seconds, int]:
        module = MulticlassClassifier(
            network=network(), standardize=standardize, optimizer=partial(torch.optim.SGD, lr=0.05)
        )
        with tempfile.TemporaryDirectory() as folder:
            return _fit(module, folder, [ModelCheckpoint(folder, monitor="train/loss"), EpochProgress()], data=data)

    def _fit(module, folder, callbacks, *, data=None, loader=None) -> tuple[Seconds, int]:
        trainer = L.Trainer(
            accelerator="cpu",
            max_epochs=epochs,
            default_root_dir=folder,
            logger=TensorBoardLogger(folder),
            callbacks=callbacks,
            enable_model_summary=False,
            log_every_n_steps=0 if data else None,
            use_distributed_sampler=False,
        )
        # The first of a process imports TensorBoard.
        _ = trainer.logger.experiment
        started = time.perf_counter()
        trainer.fit(module, train_dataloaders=loader, datamodule=data)
        return time.perf_counter() - started, trainer.global_step

    def lightning_defaults() -> tuple[Seconds, int]:
        loader = DataLoader(TensorDataset(features, target), batch_size=batch, shuffle=True)
        with tempfile.TemporaryDirectory() as folder:
            return _fit(LightningDefaults(network()), folder, [], loader=loader)

    def scikit_learn() -> tuple[Seconds, int]:
        model = MLPClassifier(
            (width, width), solver="sgd", momentum=0, alpha=0, batch_size=batch, learning_rate_init=0.05,
            max_iter=epochs, tol=0, n_iter_no_change=epochs + 1,
        )  # fmt: skip
        columns, labels = features.numpy(), target.numpy()
        started = time.perf_counter()
        model.fit(columns, labels)
        return time.perf_counter() - started, steps

    found: dict[str, Side] = {
        "bare loop": bare,
        "perceptron": perceptron,
        "MLPClassifier": scikit_learn,
        "Lightning's defaults": lightning_defaults,
    }
    try:
        from skorch import NeuralNetClassifier
    except ImportError:
        return found

    def skorch() -> tuple[Seconds, int]:
        net = NeuralNetClassifier(
            network(), criterion=torch.nn.CrossEntropyLoss, optimizer=torch.optim.SGD, lr=0.05, max_epochs=epochs,
            batch_size=batch, train_split=None, iterator_train__shuffle=True, verbose=0,
        )  # fmt: skip
        columns, labels = features.numpy(), target.numpy()
        started = time.perf_counter()
        net.fit(columns, labels)
        return time.perf_counter() - started, steps

    return found | {"skorch": skorch}


def measured(of: dict[str, Side], *, rounds: int) -> dict[str, dict[str, float]]:
    """Microseconds a step, and the ratio to the bare loop of the same round: medians and quartiles."""
    for side in of.values():
        side()
    times: dict[str, list[float]] = {name: [] for name in of}
    for _ in range(rounds):
        for name, side in of.items():
            seconds, steps = side()
            times[name].append(1e6 * seconds / steps)
    results = {}
    for name, values in times.items():
        ratios = [value / bare for value, bare in zip(values, times["bare loop"], strict=True)]
        low, median, high = statistics.quantiles(ratios, n=4)
        results[name] = {
            "microseconds": statistics.median(values),
            "fastest_microseconds": min(values),
            "ratio": median,
            "ratio_quartiles": [low, high],
        }
    return results


def main() -> None:
    """Measure, print a table, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--output", type=Path)
    typed = parser.parse_args()
    warnings.simplefilter("ignore")
    tame_lightning()
    torch.set_num_threads(1)
    results = {}
    for width, batch, epochs in ((100, 32, 8), (1024, 1024, 1)):
        print(f"64-{width}-{width}-10, batch {batch}, one thread")
        results[f"width {width}, batch {batch}"] = found = measured(
            sides(width=width, batch=batch, epochs=epochs), rounds=typed.rounds
        )
        for name, values in found.items():
            low, high = values["ratio_quartiles"]
            print(f"  {name:<22} {values['microseconds']:8.0f} µs  {values['ratio']:5.2f} ({low:.2f} to {high:.2f})")
    machine = {"platform": platform.platform(), "torch": torch.__version__, "numpy": np.__version__}
    if typed.output:
        typed.output.parent.mkdir(parents=True, exist_ok=True)
        typed.output.write_text(json.dumps({"machine": machine, "results": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
