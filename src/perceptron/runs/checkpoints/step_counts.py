"""Converting the counters of Lightning's loops in a checkpoint from groups of steps to single steps, and back.

Checkpoints always count single steps, even if Lightning got several as one batch, so that a run can be resumed with
groups of any size.
"""

from typing import Any

from perceptron.data import RowBatches

_OPTIMIZER = "epoch_loop.automatic_optimization.optim_progress"
_MANUAL = "epoch_loop.manual_optimization.optim_step_progress"
_BATCHES = "epoch_loop.batch_progress"


def count_steps(checkpoint: dict[str, Any], batches: RowBatches) -> None:
    """Convert the counters of manual optimization, in groups of steps, to those of automatic optimization.

    Args:
        checkpoint: as Lightning made it; changed in place.
        batches: of the training split.
    """
    loops = checkpoint["loops"]["fit_loop"]
    in_all = checkpoint["global_step"]
    in_epoch = min(loops[_BATCHES]["current"]["ready"] * batches.steps_per_batch, batches.n_steps)
    _recount(loops, in_all, in_epoch)
    for when, count in (("total", in_all), ("current", in_epoch)):
        done = {"ready": count, "completed": count}
        loops[_OPTIMIZER]["optimizer"]["step"][when] = done
        loops[_OPTIMIZER]["optimizer"]["zero_grad"][when] = done | {"started": count}
        loops[_MANUAL][when] = {"ready": 0, "completed": 0}


def count_groups(checkpoint: dict[str, Any], steps_per_batch: int) -> None:
    """Convert the counters of automatic optimization to those of manual optimization, in groups of steps.

    Args:
        checkpoint: whose epoch's steps fill groups, or end the epoch; changed in place.
        steps_per_batch: steps in a group.
    """
    loops = checkpoint["loops"]["fit_loop"]
    groups = -(-loops[_BATCHES]["current"]["ready"] // steps_per_batch)
    _recount(loops, groups, groups)
    steps = checkpoint["global_step"]
    loops[_MANUAL]["total"] = {"ready": steps, "completed": steps}


def _recount(loops: dict[str, Any], in_all: int, in_epoch: int) -> None:
    """Set the number of batches that are ready; counters that lag behind keep their distance."""
    progress = loops[_BATCHES]
    behind = progress["total"]["ready"] - loops["epoch_loop.state_dict"]["_batches_that_stepped"]
    loops["epoch_loop.state_dict"]["_batches_that_stepped"] = in_all - behind
    for when, count in (("total", in_all), ("current", in_epoch)):
        ready = progress[when]["ready"]
        progress[when] = {part: count - (ready - value) for part, value in progress[when].items()}
