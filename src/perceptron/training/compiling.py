"""What compiles the steps of a run, on a machine that can."""

import os
import shutil
import sys
from importlib.util import find_spec

import lightning as L
import torch

from perceptron.callbacks import CompiledSteps
from perceptron.errors import UsageError


def compile_callbacks(wanted: bool | str, *, accelerator: str) -> list[L.Callback]:
    """What compiles the steps of a run.

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
