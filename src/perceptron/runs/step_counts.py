"""What Lightning's loops count in a checkpoint: steps, also where several of them were one batch to Lightning.

So a checkpoint does not tell how many steps were taken at once, and a run goes on from it with any other number.
"""

from typing import Any

from perceptron.data import RowBatches

_OPTIMIZER = "epoch_loop.automatic_optimization.optim_progress"
_MANUAL = "epoch_loop.manual_optimization.optim_step_progress"
_BATCHES = "epoch_loop.batch_progress"


def count_steps(checkpoint: dict[str, Any], batches: RowBatches) -> None:
    """Turn the counts of manual optimization, by groups of steps, into those of automatic optimization.

    Args:
        checkpoint: as Lightning has made it.
        batches: of the training.
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
    """The other way round.

    Args:
        checkpoint: of automatic optimization; its epoch's steps fill groups, or end the epoch.
        steps_per_batch: steps of a group.
    """
    loops = checkpoint["loops"]["fit_loop"]
    groups = -(-loops[_BATCHES]["current"]["ready"] // steps_per_batch)
    _recount(loops, groups, groups)
    steps = checkpoint["global_step"]
    loops[_MANUAL]["total"] = {"ready": steps, "completed": steps}


def _recount(loops: dict[str, Any], in_all: int, in_epoch: int) -> None:
    """Have so many batches behind it, and what was not completed yet as far behind as it was."""
    progress = loops[_BATCHES]
    behind = progress["total"]["ready"] - loops["epoch_loop.state_dict"]["_batches_that_stepped"]
    loops["epoch_loop.state_dict"]["_batches_that_stepped"] = in_all - behind
    for when, count in (("total", in_all), ("current", in_epoch)):
        ready = progress[when]["ready"]
        progress[when] = {part: count - (ready - value) for part, value in progress[when].items()}
