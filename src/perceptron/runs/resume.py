"""What Lightning leaves out of a checkpoint, so that a resumed run ends with the same bits.

Lightning 2.6 stores weights, optimizers, schedules and the loops' counters. It does not store torch's generator, nor
whether training was to stop; and a checkpoint of an epoch's end is written before the plateau schedule has looked at
that epoch, which is never made up for.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, StochasticWeightAveraging, WeightAveraging

from perceptron.errors import UsageError
from perceptron.runs.checkpoint import WholeCheckpoints, read_checkpoint
from perceptron.runs.checkpoint_shape import check_resumable
from perceptron.runs.folder import Run
from perceptron.runs.inside import is_inside, starts_elsewhere
from perceptron.runs.logs import hide_later
from perceptron.runs.step_counts import count_groups, count_steps

KEY = "resume"
EPOCH_END, BETWEEN_STEPS, NOT_EXACT = "epoch_end", "between_steps", "not_exact"
_AVERAGING = (StochasticWeightAveraging, WeightAveraging)


def at_safe_point(trainer: L.Trainer, batch_idx: int) -> bool:
    """Whether a run can go on exactly from behind this batch.

    Not where gradients are still being accumulated, nor where Lightning would leave out the validation, or the end of
    the epoch, that follows the batch.
    """
    done = batch_idx + 1
    every = trainer.val_check_batch if trainer.enable_validation else None
    return (
        done < trainer.num_training_batches
        and done % trainer.accumulate_grad_batches == 0
        and not (every and done % every == 0)
    )


class ExactResume(L.Callback):
    """Stores and restores what Lightning leaves out; looks for best checkpoints where the run's folder lies now."""

    # One batch may be several steps to it.
    takes_groups = True

    def __init__(self) -> None:
        self._state: Mapping[str, Any] = {}
        self._noise: torch.Tensor | None = None
        self._taken: Mapping[str, Any] | None = None
        # The trainer's own max_epochs and max_steps, while it has others.
        self._limits: tuple[int | None, int] | None = None
        # Whether this epoch was resumed in its middle: at its end Lightning leaves out the plateau schedules.
        self._in_resumed_epoch = False

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Add the generator's state, one row per process, whether to stop, and the epoch's metrics."""
        noise = _noise_state(pl_module.device)
        of_all: Any = pl_module.all_gather(noise.to(pl_module.device))
        if not pl_module.automatic_optimization:
            count_steps(checkpoint, trainer.train_dataloader.batches)  # type: ignore[union-attr]
        checkpoint[KEY] = {
            "position": _position(trainer),
            "should_stop": trainer.should_stop,
            "metrics": {name: value.item() for name, value in trainer.callback_metrics.items()},
            "noise": of_all.reshape(-1, len(noise)).cpu(),
        }

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Take it up, for training to use.

        Raises:
            UsageError: for a checkpoint from which no run can go on exactly.
        """
        check_point(checkpoint, max_epochs=trainer.max_epochs, where=str(trainer.ckpt_path))
        self._state = checkpoint[KEY]
        if not pl_module.automatic_optimization:
            count_groups(checkpoint, pl_module.steps_per_batch)  # type: ignore[arg-type]
        if self._state["position"] == EPOCH_END:
            _complete_epoch(checkpoint["loops"]["fit_loop"])
        else:
            self._take_up(checkpoint["loops"]["fit_loop"], pl_module.global_rank)
        states = checkpoint.get("callbacks", {})
        for rule in trainer.checkpoint_callbacks:
            if isinstance(rule, ModelCheckpoint) and rule.state_key in states:
                self._find_best(trainer, states, rule)

    def _find_best(self, trainer: L.Trainer, states: dict[str, Any], rule: ModelCheckpoint) -> None:
        """Bring a rule's best checkpoints to where it keeps them now; without the best one it starts anew."""
        state = states[rule.state_key]
        _move(state, Path(str(rule.dirpath)))
        # Once more, for another rule than the run's default may keep them in another of its folders.
        _check_inside(state, Path(str(rule.dirpath)), where=str(trainer.ckpt_path))
        if trainer.is_global_zero:
            _bring(state, Path(str(trainer.ckpt_path)).parent)
        trainer.strategy.barrier()
        if not Path(state["best_model_path"]).is_file():
            # What was best is gone: the next is.
            del states[rule.state_key]

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Have Lightning end a training whose last epoch is behind the checkpoint; it would pass over its end."""
        if self._state.get("position") == EPOCH_END:
            loop = trainer.fit_loop
            self._limits = loop.max_epochs, loop.epoch_loop.max_steps
            if loop.max_epochs not in (None, -1):
                loop.max_epochs += 1
            loop.epoch_loop.max_steps += loop.epoch_loop.max_steps != -1

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Stop where the run had stopped early; else let the plateau schedules look at the last epoch."""
        if self._limits is not None:
            trainer.fit_loop.max_epochs, trainer.fit_loop.epoch_loop.max_steps = self._limits
            self._limits = None
        early = any(isinstance(callback, EarlyStopping) for callback in trainer.callbacks)  # type: ignore[attr-defined]
        trainer.should_stop = trainer.should_stop or (early and self._state.get("should_stop", False))
        loader: Any = trainer.train_dataloader
        if self._taken is not None and hasattr(loader, "load_state_dict"):
            loader.load_state_dict(self._taken)
        if trainer.is_global_zero:
            hide_later(trainer.loggers, steps=trainer.global_step)
        if self._state.get("position") == EPOCH_END:
            _step_plateau(trainer, pl_module, self._state["metrics"])

    def _take_up(self, loops: Mapping[str, Any], rank: int) -> None:
        """Keep the noise and the row order of an epoch's middle.

        Lightning hands a loader its state only where the loader is made after the loops are restored, and asking for
        ``Trainer.estimated_stepping_batches``, as a schedule does, makes it before.
        """
        if rank < len(self._state["noise"]):
            # A copy: torch crashes on a state that does not start where an allocation does.
            self._noise = self._state["noise"][rank].clone()
        epochs = loops["epoch_progress"]["current"]
        self._in_resumed_epoch = epochs["ready"] > epochs["processed"]
        states = loops["state_dict"].get("combined_loader")
        self._taken = states[0] if states else None

    def on_train_batch_start(
        self,
        trainer: L.Trainer,  # noqa: ARG002
        pl_module: L.LightningModule,
        batch: Any,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Go on with the noise of the epoch. Not earlier: a data loader draws from the generator when it starts."""
        if self._noise is not None:
            _set_noise_state(self._noise, pl_module.device)
            self._noise = None

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Make up for what Lightning left out at the end of an epoch that was resumed in its middle."""
        self._end_resumed_epoch(trainer, pl_module)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """The same, after the last epoch."""
        self._end_resumed_epoch(trainer, pl_module)

    def _end_resumed_epoch(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if self._in_resumed_epoch:
            self._in_resumed_epoch = False
            _step_plateau(trainer, pl_module, trainer.callback_metrics)


def check_point(checkpoint: Mapping[str, Any], *, max_epochs: int | None, where: str) -> None:
    """Refuse a checkpoint from which no run can go on exactly, or not as far as wanted.

    Args:
        checkpoint: its contents.
        max_epochs: how far; None for no end.
        where: its path, for messages.

    Raises:
        UsageError: for both.
    """
    if checkpoint.get(KEY, {}).get("position", NOT_EXACT) == NOT_EXACT:
        raise UsageError(
            f"a run goes on from a checkpoint between two steps or at an epoch's end, got {where}; name another, such "
            "as last.ckpt"
        )
    check_resumable(checkpoint, where=where)
    epochs = checkpoint["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"]
    if max_epochs is not None and 0 <= max_epochs < epochs:
        raise UsageError(
            f"trainer.max_epochs counts from the start, got {max_epochs} for a checkpoint with {epochs} epochs behind "
            f"it; set trainer.max_epochs above {epochs}"
        )


def check_paths(checkpoint: Mapping[str, Any], folder: Path, *, where: str) -> None:
    """Refuse a checkpoint whose best checkpoints lie outside the run's folder: they are replaced, moved and deleted.

    Args:
        checkpoint: its contents.
        folder: of the run that goes on from it.
        where: its path, for messages.

    Raises:
        UsageError: for the first that is not a ``.ckpt`` in the folder's ``checkpoints``.
    """
    for name, state in checkpoint.get("callbacks", {}).items():
        if not name.startswith("ModelCheckpoint"):
            continue
        own = {**state, "best_k_models": dict(state["best_k_models"])}
        _move(own, folder / "checkpoints")
        _check_inside(own, folder, where=where)


def _check_inside(state: Mapping[str, Any], folder: Path, *, where: str) -> None:
    """Refuse a rule whose best checkpoints lie outside of a folder."""
    named = [state[key] for key in ("best_model_path", "kth_best_model_path", "last_model_path")]
    for path in filter(None, [*named, *state["best_k_models"]]):
        # Its folder, for the file itself may be a link, which is replaced and not followed.
        if not (path.endswith(".ckpt") and is_inside(Path(path).parent, folder) and not starts_elsewhere(path)):
            raise UsageError(
                f"a checkpoint must name its best checkpoints in the run's own folder, got {path} in {where}; "
                "name another checkpoint, or train anew"
            )


def resume_point(run: Run) -> Path | None:
    """The checkpoint with the most steps from which a run can go on exactly; None where it must start again.

    Raises:
        UsageError: where a checkpoint is damaged.
    """
    others = [path for path in run.checkpoint().parent.glob("*.ckpt") if path != run.checkpoint("last")]
    newest = sorted(others, key=lambda path: path.stat().st_mtime_ns)[-1:]
    steps = {}
    # Of equal steps not the last one: a finished run's holds the end of its training, where a longer run has none.
    for path in (*newest, run.checkpoint("last")):
        if path.is_file():
            contents = read_checkpoint(path)
            if contents.get(KEY, {}).get("position", NOT_EXACT) != NOT_EXACT:
                check_resumable(contents, where=str(path))
                steps[path] = int(contents["global_step"])
    return max(steps, key=lambda path: steps[path]) if steps else None


def _step_plateau(trainer: L.Trainer, pl_module: L.LightningModule, metrics: Mapping[str, Any]) -> None:
    """Let the plateau schedules look at the epoch that has just ended."""
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
        # After training, when an average has taken the place of the weights that training would go on with.
        averages = any(isinstance(callback, _AVERAGING) for callback in trainer.callbacks)  # type: ignore[attr-defined]
        return NOT_EXACT if averages else BETWEEN_STEPS
    in_hook = batches.processed == batches.ready and batches.completed == batches.processed - 1
    return BETWEEN_STEPS if in_hook and at_safe_point(trainer, batches.ready - 1) else NOT_EXACT


def _complete_epoch(loops: dict[str, Any]) -> None:
    """Turn the counters of an epoch's end into those of the next one's start.

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


def _move(state: dict[str, Any], folder: Path) -> None:
    """Name the best checkpoints by where the run's folder lies now; Lightning forgets them where it was moved."""
    old, new = str(state.get("dirpath")), str(folder)

    def moved(path: str) -> str:
        return new + path[len(old) :] if path.startswith(old) else path

    state["dirpath"] = new
    for key in ("best_model_path", "kth_best_model_path", "last_model_path"):
        state[key] = moved(state[key])
    state["best_k_models"] = {moved(path): score for path, score in state["best_k_models"].items()}


def _bring(state: Mapping[str, Any], folder: Path) -> None:
    """Copy the best checkpoints from the folder of another run, in case that none of this one becomes better."""
    for path in {state["best_model_path"], *state["best_k_models"]}:
        old = folder / Path(path).name
        if path and not Path(path).exists() and old.is_file():
            WholeCheckpoints().save_checkpoint(read_checkpoint(old), path)


def _noise_state(device: torch.device) -> torch.Tensor:
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def _set_noise_state(state: torch.Tensor, device: torch.device) -> None:
    if device.type == "cuda" and len(state) == len(torch.cuda.get_rng_state(device)):
        torch.cuda.set_rng_state(state, device)
    elif len(state) == len(torch.get_rng_state()):
        torch.set_rng_state(state)
