"""Exact resume: what Lightning leaves out of a checkpoint, so that a resumed run ends with the same bits.

Lightning 2.6 stores weights, optimizers, schedules and the loops' counters. It does not store torch's generator, nor
whether training was about to stop. Its checkpoint at the end of an epoch is written before the plateau schedule has
seen that epoch, and a resumed run never makes up for that.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, StochasticWeightAveraging, WeightAveraging

from perceptron.runs.checkpoints.resume_point import (
    BETWEEN_STEPS,
    EPOCH_END,
    KEY,
    NOT_EXACT,
    check_point,
    copy_best,
    relocate_best,
)
from perceptron.runs.checkpoints.step_counts import count_groups, count_steps
from perceptron.runs.loggers import hide_later_events

_AVERAGING = (StochasticWeightAveraging, WeightAveraging)


def at_safe_point(trainer: L.Trainer, batch_idx: int) -> bool:
    """Whether a run can be resumed exactly after this batch.

    It cannot while gradients are being accumulated, nor if the validation or the end of the epoch, which Lightning
    would skip, follows the batch; nor in the middle of an epoch whose loader does not tell where it is.
    """
    done = batch_idx + 1
    every = trainer.val_check_batch if trainer.enable_validation else None
    return (
        done < trainer.num_training_batches
        and done % trainer.accumulate_grad_batches == 0
        and not (every and done % every == 0)
        and all(map(_can_go_on, _loaders(trainer)))
    )


def _loaders(trainer: L.Trainer) -> list[Any]:
    """The loaders of training, of which a user's data module may give several."""
    loaders: Any = trainer.train_dataloader
    if isinstance(loaders, Mapping):
        return list(loaders.values())
    return list(loaders) if isinstance(loaders, list | tuple) else [loaders]


def _can_go_on(loader: Any) -> bool:
    return hasattr(loader, "state_dict") and hasattr(loader, "load_state_dict")


class ExactResume(L.Callback):
    """Stores and restores what Lightning leaves out, and keeps the best checkpoints in the run's present folder."""

    # Its hooks may be called once per group of steps.
    takes_groups = True

    def __init__(self) -> None:
        self._state: Mapping[str, Any] = {}
        self._noise: torch.Tensor | None = None
        self._loader_state: Mapping[str, Any] | None = None
        # The trainer's own max_epochs and max_steps, while they are raised.
        self._limits: tuple[int | None, int] | None = None
        # Whether this epoch was resumed in its middle: at its end Lightning skips the plateau schedules.
        self._in_resumed_epoch = False

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Add the generator's state, one row per process, whether to stop, and the epoch's metrics."""
        noise = _noise_state(pl_module.device)
        of_all: Any = pl_module.all_gather(noise.to(pl_module.device))
        if getattr(pl_module, "steps_per_batch", 1) > 1:
            count_steps(checkpoint, trainer.train_dataloader.batches)  # type: ignore[union-attr]
        checkpoint[KEY] = {
            "position": _position(trainer),
            "should_stop": trainer.should_stop,
            "metrics": {name: value.item() for name, value in trainer.callback_metrics.items()},
            "noise": of_all.reshape(-1, len(noise)).cpu(),
        }

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Prepare the loops' counters for Lightning, and keep the rest until training starts.

        Raises:
            UsageError: if the checkpoint does not allow exact resume, or names best checkpoints outside the folder.
        """
        check_point(checkpoint, max_epochs=trainer.max_epochs, where=str(trainer.ckpt_path))
        self._state = checkpoint[KEY]
        loops = checkpoint["loops"]["fit_loop"]
        if getattr(pl_module, "steps_per_batch", 1) > 1:
            count_groups(checkpoint, pl_module.steps_per_batch)  # type: ignore[arg-type]
        if self._state["position"] == EPOCH_END:
            _complete_epoch(loops)
        else:
            self._keep_state_of_epoch(loops, pl_module.global_rank)
        states = checkpoint.get("callbacks", {})
        for rule in trainer.checkpoint_callbacks:
            if isinstance(rule, ModelCheckpoint) and rule.state_key in states:
                self._relocate_best(trainer, states, rule)

    def _keep_state_of_epoch(self, loops: Mapping[str, Any], rank: int) -> None:
        """Keep the generator's and the loader's state of an epoch that is resumed in its middle.

        Lightning gives a loader its state only if the loader is made after the loops are restored; a schedule, which
        asks for ``Trainer.estimated_stepping_batches``, makes it before.
        """
        if rank < len(self._state["noise"]):
            # A copy: torch crashes on a state that does not start where an allocation does.
            self._noise = self._state["noise"][rank].clone()
        epochs = loops["epoch_progress"]["current"]
        self._in_resumed_epoch = epochs["ready"] > epochs["processed"]
        states = loops["state_dict"].get("combined_loader")
        self._loader_state = states[0] if states else None

    def _relocate_best(self, trainer: L.Trainer, states: dict[str, Any], rule: ModelCheckpoint) -> None:
        """Keep a rule's best checkpoints in its present folder; the rule starts anew if its best one is lost."""
        state, folder, source = states[rule.state_key], Path(str(rule.dirpath)), str(trainer.ckpt_path)
        relocate_best(state, folder, within=folder, where=source)
        if trainer.is_global_zero:
            copy_best(state, Path(source).parent)
        trainer.strategy.barrier()
        if not Path(state["best_model_path"]).is_file():
            del states[rule.state_key]

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Raise the limits if training resumes at its last epoch's end: Lightning would skip what ends a training."""
        if self._state.get("position") == EPOCH_END:
            loop = trainer.fit_loop
            self._limits = loop.max_epochs, loop.epoch_loop.max_steps
            if loop.max_epochs not in (None, -1):
                loop.max_epochs += 1
            loop.epoch_loop.max_steps += loop.epoch_loop.max_steps != -1

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Stop if the run had stopped early; otherwise show the last epoch to the plateau schedules."""
        if self._limits is not None:
            trainer.fit_loop.max_epochs, trainer.fit_loop.epoch_loop.max_steps = self._limits
            self._limits = None
        early = any(isinstance(callback, EarlyStopping) for callback in trainer.callbacks)  # type: ignore[attr-defined]
        trainer.should_stop = trainer.should_stop or (early and self._state.get("should_stop", False))
        loader: Any = trainer.train_dataloader
        if self._loader_state is not None and hasattr(loader, "load_state_dict"):
            loader.load_state_dict(self._loader_state)
        if trainer.is_global_zero:
            hide_later_events(trainer.loggers, steps=trainer.global_step)
        if self._state.get("position") == EPOCH_END:
            _step_plateau(trainer, pl_module, self._state["metrics"])

    def on_train_batch_start(
        self,
        trainer: L.Trainer,  # noqa: ARG002
        pl_module: L.LightningModule,
        batch: Any,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Restore the generator. Not earlier: a data loader draws from it when it starts."""
        if self._noise is not None:
            _set_noise_state(self._noise, pl_module.device)
            self._noise = None

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Make up for what Lightning skipped at the end of an epoch that was resumed in its middle."""
        self._end_resumed_epoch(trainer, pl_module)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """The same, after the last epoch."""
        self._end_resumed_epoch(trainer, pl_module)

    def _end_resumed_epoch(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if self._in_resumed_epoch:
            self._in_resumed_epoch = False
            _step_plateau(trainer, pl_module, trainer.callback_metrics)


def _step_plateau(trainer: L.Trainer, pl_module: L.LightningModule, metrics: Mapping[str, Any]) -> None:
    """Step the plateau schedules with the metrics of the epoch that has just ended."""
    for config in trainer.lr_scheduler_configs:
        monitor = config.monitor if config.reduce_on_plateau and config.interval == "epoch" else None
        if monitor in metrics and trainer.current_epoch % config.frequency == 0:
            pl_module.lr_scheduler_step(config.scheduler, metrics[str(monitor)])


def _position(trainer: L.Trainer) -> str:
    epochs: Any = trainer.fit_loop.epoch_progress.current
    batches: Any = trainer.fit_loop.epoch_loop.batch_progress.current
    if epochs.processed > epochs.completed:
        return EPOCH_END
    if epochs.ready == epochs.processed:
        # After training, an average may have replaced the weights with which training would continue.
        averages = any(isinstance(callback, _AVERAGING) for callback in trainer.callbacks)  # type: ignore[attr-defined]
        return NOT_EXACT if averages else BETWEEN_STEPS
    in_hook = batches.processed == batches.ready and batches.completed == batches.processed - 1
    return BETWEEN_STEPS if in_hook and at_safe_point(trainer, batches.ready - 1) else NOT_EXACT


def _complete_epoch(loops: dict[str, Any]) -> None:
    """Change the counters of an epoch's end into those of the next one's start.

    With ``max_steps`` Lightning takes an epoch's end for the middle of one, and would end it twice.
    """
    for when in ("total", "current"):
        progress = loops["epoch_progress"][when]
        progress["completed"] = progress["processed"]
    for part in ("epoch_loop.batch_progress", "epoch_loop.scheduler_progress"):
        current = loops[part]["current"]
        current.update(dict.fromkeys(current, 0))
    loops["epoch_loop.batch_progress"]["is_last_batch"] = False
    loops["state_dict"].pop("combined_loader", None)


def _noise_state(device: torch.device) -> torch.Tensor:
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def _set_noise_state(state: torch.Tensor, device: torch.device) -> None:
    if device.type == "cuda" and len(state) == len(torch.cuda.get_rng_state(device)):
        torch.cuda.set_rng_state(state, device)
    elif len(state) == len(torch.get_rng_state()):
        torch.set_rng_state(state)
