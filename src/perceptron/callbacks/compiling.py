"""Compile the steps of training by torch.compile, on a machine that can."""

import os
import shutil
import sys
from importlib.util import find_spec

import lightning as L
import torch

from perceptron.errors import UsageError
from perceptron.models import TaskModule


class CompiledSteps(L.Callback):
    """Compiles the forward pass and the losses of training; the backward pass follows from them.

    What is evaluated, stored and exported is not compiled: metrics are to the last bit those of the stored weights,
    under their plain names.

    Args:
        mode: of ``torch.compile``: ``default``; or ``reduce-overhead``, which on CUDA records a step's kernels once and
            replays them (CUDA graphs), where launching them takes longer than they do.
    """

    def __init__(self, *, mode: str = "default") -> None:
        self.mode = mode

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Compile. Here, in the process that trains, because what is compiled cannot be sent to another."""
        assert isinstance(pl_module, TaskModule)  # noqa: S101
        pl_module.compile_losses(mode=self.mode)


def compile_callbacks(wanted: bool | str, *, accelerator: str) -> list[L.Callback]:
    """Callback that compiles the steps of a run; none where nothing is wanted.

    Args:
        wanted: ``False``; ``True``; or ``reduce-overhead`` for CUDA graphs.
        accelerator: the trainer's.

    Raises:
        UsageError: where there is no compiler, or no GPU for CUDA graphs.
    """
    if wanted is False:
        return []
    on_cuda = torch.cuda.is_available() and accelerator in ("auto", "gpu", "cuda")
    if wanted == "reduce-overhead" and not on_cuda:
        raise UsageError(
            "compile=reduce-overhead needs CUDA, whose graphs it records, got another device; type compile=true"
        )
    if on_cuda and find_spec("triton") is None:
        raise UsageError("compile needs triton on a GPU, got none; type pip install triton, or leave compile out")
    # As torch looks for it.
    compiler = os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(compiler) is None:
        raise UsageError(f"compile needs a C++ compiler, got no {compiler}; install it, set CXX, or leave compile out")
    return [CompiledSteps(mode="default" if wanted is True else str(wanted))]
