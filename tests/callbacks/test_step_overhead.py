from functools import partial
from typing import Any

import lightning as L
import torch
from sklearn.datasets import load_iris

from perceptron.callbacks.step_overhead import STEP_HOOKS, NoProfiler, leave_out_empty_hooks
from perceptron.data import TableDataModule
from perceptron.models import MulticlassClassifier, Standardize
from perceptron.networks import MLP


class Counts(L.Callback):
    """Counts the steps in one hook, and has no other."""

    def __init__(self) -> None:
        self.steps = 0

    def on_after_backward(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        self.steps += 1


def _trained(callbacks: list[Any], **settings: Any) -> tuple[L.Trainer, torch.Tensor]:
    data = TableDataModule(dataset=load_iris)
    scaling = data.features_scaling
    torch.manual_seed(0)
    model = MulticlassClassifier(
        network=MLP(n_features=4, n_outputs=3, hidden=[5]),
        standardize=Standardize(scaling.mean, scaling.scale),
        optimizer=partial(torch.optim.SGD, lr=0.1),
    )
    trainer = L.Trainer(
        accelerator="cpu",
        max_epochs=2,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=0,
        callbacks=callbacks,
        **settings,
    )
    trainer.fit(model, datamodule=data)
    return trainer, torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_a_hook_that_a_callback_has_is_called_and_the_others_are_passed_over() -> None:
    counts = Counts()
    leave_out_empty_hooks([counts])
    trainer, _ = _trained([counts])
    assert counts.steps == trainer.global_step > 0
    assert [hook for hook in STEP_HOOKS if callable(getattr(counts, hook))] == ["on_after_backward"]


def test_weights_are_the_same_without_them() -> None:
    callback = Counts()
    leave_out_empty_hooks([callback])
    _, weights = _trained([callback], profiler=NoProfiler())
    _, with_all = _trained([Counts()])
    assert torch.equal(weights, with_all)
