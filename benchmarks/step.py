"""Time of an optimizer step in ``fit`` against what a user would pick instead, in turn in one process. 4 minutes.

    python benchmarks/step.py

The project runs as `python train.py` composes it, with progress bar, TensorBoard, checkpoints, early stopping and what
the figures need; validation is taken out of its clock, and the others have none. The digits' 64-100-100-10 MLP at
batch 32 on one thread, as the project chooses; and one of width 1,024 at batch 1,024 on as many as torch takes.
"""

import tempfile
import time
import warnings

import lightning as L
import torch
import torch.nn.functional as F
from default_run import FitClock, composed, quiet_terminal, timed_fit
from measuring import Comparison, Results, Side, arguments, measure
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits
from torch.utils.data import DataLoader, TensorDataset

from perceptron.composition.building.data import build_data
from perceptron.networks import MLP
from perceptron.training.lightning_messages import silence_lightning

RATE = 0.05
DIGITS = ("model=digits_mlp", "trainer.accelerator=cpu", "test=false")
LARGE = (
    *DIGITS, "data=classification", "data.batch_size=1024", "data.dataset.n_features=64",
    "data.dataset.n_informative=20", "data.dataset.n_classes=10", "model.network.hidden=[1024,1024]",
)  # fmt: skip


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
        return torch.optim.SGD(self.network.parameters(), lr=RATE)


def train_bare(
    model: torch.nn.Module, features: torch.Tensor, target: torch.Tensor, *, batch: int, epochs: int
) -> None:
    """The loop that a user would write by hand for a table in memory."""
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    for _ in range(epochs):
        order = torch.randperm(len(target))
        for first in range(0, len(target), batch):
            rows = order[first : first + batch]
            optimizer.zero_grad()
            F.cross_entropy(model(features[rows]), target[rows]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()


def sides(*overrides: str, epochs: int, threads: int) -> dict[str, Side]:
    """Each gives microseconds a step of one training."""
    with tempfile.TemporaryDirectory() as folder:
        cfg, _ = composed(*overrides, folder=folder)
    data = build_data(cfg.data)
    raw, target, *_ = data.rows("train")
    scaling = data.features_scaling
    features = (raw - torch.as_tensor(scaling.mean)) / torch.as_tensor(scaling.scale)
    features = features.to(torch.float32).contiguous()
    batch: int = cfg.data.batch_size
    hidden = tuple(cfg.model.network.hidden)
    steps: int = epochs * -(-len(target) // batch)

    def network() -> MLP:
        torch.manual_seed(0)
        return MLP(n_features=features.shape[1], n_outputs=len(data.schema.class_names), hidden=hidden)

    def per_step(started: float) -> float:
        return 1e6 * (time.perf_counter() - started) / steps

    def bare() -> float:
        torch.set_num_threads(threads)
        model = network()
        started = time.perf_counter()
        train_bare(model, features, target, batch=batch, epochs=epochs)
        return per_step(started)

    def perceptron() -> float:
        torch.set_num_threads(threads)
        clock = timed_fit(*overrides, f"trainer.max_epochs={epochs}")
        if clock.steps != steps or torch.get_num_threads() != threads:
            raise RuntimeError(f"{clock.steps} steps on {torch.get_num_threads()} threads, not {steps} on {threads}")
        return 1e6 * clock.seconds / steps

    def lightning_defaults() -> float:
        torch.set_num_threads(threads)
        loader = DataLoader(TensorDataset(features, target), batch_size=batch, shuffle=True)
        clock = FitClock()
        with tempfile.TemporaryDirectory() as folder, quiet_terminal():
            trainer = L.Trainer(accelerator="cpu", max_epochs=epochs, default_root_dir=folder, callbacks=[clock])
            trainer.fit(LightningDefaults(network()), loader)
        return 1e6 * clock.seconds / steps

    def scikit_learn() -> float:
        model = MLPClassifier(
            hidden, solver="sgd", momentum=0, alpha=0, batch_size=batch, learning_rate_init=RATE, max_iter=epochs,
            tol=0, n_iter_no_change=epochs + 1,
        )  # fmt: skip
        with threadpool_limits(threads):
            started = time.perf_counter()
            model.fit(features.numpy(), target.numpy())
            return per_step(started)

    found: dict[str, Side] = {
        "bare PyTorch loop": bare,
        "perceptron": perceptron,
        "MLPClassifier": scikit_learn,
        "Lightning's defaults": lightning_defaults,
    }
    try:
        from skorch import NeuralNetClassifier
    except ImportError:
        print("no skorch: pip install --constraint constraints.txt -r benchmarks/requirements.txt")
        return found

    def skorch() -> float:
        torch.set_num_threads(threads)
        net = NeuralNetClassifier(
            network(), criterion=torch.nn.CrossEntropyLoss, optimizer=torch.optim.SGD, lr=RATE, max_epochs=epochs,
            batch_size=batch, train_split=None, iterator_train__shuffle=True, verbose=0,
        )  # fmt: skip
        columns, labels = features.numpy(), target.numpy()
        started = time.perf_counter()
        net.fit(columns, labels)
        return per_step(started)

    return found | {"skorch": skorch}


def main() -> None:
    """Measure both sizes."""
    typed = arguments(__doc__, rounds=7)
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.filterwarnings("ignore", module="lightning")
    silence_lightning()
    cores = torch.get_num_threads()
    results = Results("step", typed.folder, quick=typed.quick)
    small = sides(*DIGITS, epochs=1 if typed.quick else 20, threads=1)
    measure(_comparison("step, batch 32, width 100", small), results, rounds=typed.rounds, warm_up=not typed.quick)
    rows = 3_000 if typed.quick else 31_500
    large = sides(*LARGE, f"data.dataset.n_samples={rows}", epochs=1 if typed.quick else 2, threads=cores)
    title = "step, batch 1,024, width 1,024"
    # A step is long, so few tell.
    measure(_comparison(title, large), results, rounds=min(typed.rounds, 5), warm_up=not typed.quick)
    results.finish()


def _comparison(title: str, of: dict[str, Side]) -> Comparison:
    return Comparison(title=title, unit="µs", base="bare PyTorch loop", sides=of)


if __name__ == "__main__":
    main()
