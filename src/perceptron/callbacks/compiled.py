"""Steps by torch.compile."""

import lightning as L

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
