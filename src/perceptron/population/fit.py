"""One ``Trainer.fit`` for a whole population."""

import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import lightning as L
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.callbacks import ProgressBar

from perceptron.population.lightning_module import Population
from perceptron.population.member import Member
from perceptron.population.stacking import alike

# Bytes of the weights of a cohort on a CPU, for each thread: 32 networks of 64-100-100-10. In smaller cohorts the
# overhead of each operation weighs more; larger ones wait for memory. A Python thread for each cohort is slower than
# torch's threads on one, because of the interpreter lock (benchmarks/NOTES.md).
_GOOD_STACK = 2.5 * 2**20
# Of a GPU's free memory; the rest is for outputs, intermediate gradients and other programs.
_SHARE_OF_MEMORY = 0.5
# Weights, gradients, two moments, and the kept copies of the first and of the last two.
_COPIES = 8
# glibc raises its thresholds to the largest block that was freed, up to 32 MiB (mallopt(3), M_MMAP_THRESHOLD).
_HEAP_BLOCK = 31 * 2**20


class PopulationFit(NamedTuple):
    """A population whose training has ended.

    Attributes:
        population: trained and scored.
        device: name of the device that it was trained on.
        started: when the training began.
        seconds: that it took.
    """

    population: Population
    device: str
    started: datetime
    seconds: float


def fit_population(
    members: Sequence[Member], *callbacks: L.Callback, accelerator: str, max_epochs: int, folder: Path
) -> PopulationFit:
    """Train members side by side and score each one's best weights.

    Args:
        members: of one group: their optimizers are of one class, and their networks differ in architecture only where
            columns that are encoded by their own training rows become more or fewer features.
        callbacks: of the fit.
        accelerator: Lightning's name of the device.
        max_epochs: of every member.
        folder: nothing is written to it.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    _keep_freed_memory()
    trainer = L.Trainer(
        accelerator=accelerator,
        devices=1,
        max_epochs=max_epochs,
        callbacks=list(callbacks),
        enable_progress_bar=any(isinstance(callback, ProgressBar) for callback in callbacks),
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        default_root_dir=folder,
        # A job of a cluster may train several populations in turn; none of them must use the cluster's environment.
        plugins=[LightningEnvironment()],
    )
    device = trainer.strategy.root_device
    stacks: list[Sequence[Member]] = list(alike(members))
    if device.type == "cpu":
        stacks = [part for stack in stacks for part in good_stacks(stack, n_threads=torch.get_num_threads())]
    population = Population(stacks)
    trainer.fit(population, train_dataloaders=population.steps())
    population.to(device)
    population.score()
    return PopulationFit(population, str(device), started, time.perf_counter() - clock)


def good_stacks(members: Sequence[Member], *, n_threads: int) -> list[Sequence[Member]]:
    """The fastest stacks on a CPU: as few as keep each thread's share of a stack in its core's caches.

    Args:
        members: of one architecture.
        n_threads: that share each operation on a stack.
    """
    n_stacks = math.ceil(len(members) * _state_bytes(members[0]) / (_GOOD_STACK * n_threads))
    size = -(-len(members) // min(n_stacks, len(members)))
    return [members[start : start + size] for start in range(0, len(members), size)]


def _state_bytes(member: Member) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in member.model.network.state_dict().values())


def members_that_fit(member: Member, accelerator: str, wanted: int | None, default: int) -> int:
    """How many members are trained at once.

    Args:
        member: one of them.
        accelerator: Lightning's name of the device.
        wanted: by the user; None for as many as suit the device.
        default: on a CPU.
    """
    on_gpu = accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    if not on_gpu:
        return wanted or default
    free, _ = torch.cuda.mem_get_info()
    widest = max(parameter.shape[0] if parameter.ndim else 1 for parameter in member.model.network.parameters())
    n_layers = len(list(member.model.network.modules()))
    rows = max(len(member.split.train), member.datamodule.batch_size or 0)
    needed = _COPIES * _state_bytes(member) + 4 * rows * (member.datamodule.schema.n_features + widest * n_layers)
    fitting = max(1, int(free * _SHARE_OF_MEMORY / needed))
    return min(wanted, fitting) if wanted else fitting


def _keep_freed_memory() -> None:
    """Keep the memory of a step in the process for the next step.

    Freeing one large block makes glibc take blocks of up to 32 MiB from a heap that it trims at twice that size.
    Without this, a step of 64 members causes up to 700 page faults (measured).
    """
    block = torch.empty(_HEAP_BLOCK, dtype=torch.uint8)
    del block
