"""Checkpoints of members in Lightning's format: kept in memory during training, written afterwards."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import lightning as L
import torch
from torch import Tensor
from torch.optim.lr_scheduler import ReduceLROnPlateau

from perceptron.callbacks.history import KEY as HISTORY
from perceptron.callbacks.history import stored_history
from perceptron.models.threshold import START
from perceptron.population.member import Member
from perceptron.population.padding import trimmed
from perceptron.population.schedule_steps import plateau_frequency
from perceptron.population.stacked_optimizer import StackedOptimizer
from perceptron.runs.checkpoints.checkpoint_file import AtomicCheckpointIO
from perceptron.runs.checkpoints.resume_point import BETWEEN_STEPS, EPOCH_END, NOT_EXACT
from perceptron.runs.checkpoints.resume_point import KEY as RESUME
from perceptron.runs.epoch_history import by_metric


@dataclass(frozen=True)
class _Moment:
    """The contents of a checkpoint beside tensors."""

    path: str | None
    epoch: int
    steps: int
    steps_in_epoch: int
    batches: int
    ended: bool
    at_validation: bool
    schedule_steps: tuple[int, int]
    sums: tuple[float, int, int]
    resume: dict[str, Any]
    param_groups: list[dict[str, Any]]
    schedule: dict[str, Any] | None
    callbacks: dict[str, dict[str, Any]]
    weight_path: tuple[dict[int, Tensor], int]


class Snapshots:
    """The state of each member at one of its best epochs, or at the end of its training.

    Args:
        members: all of the population, in the order of the stacks at the start.
        are_last: whether they are the states at the end.
    """

    def __init__(self, members: Sequence[Member], *, are_last: bool = False) -> None:
        self.members = members
        self._are_last = are_last
        self.network: dict[str, Tensor] = {}
        self.optimizer: dict[str, Tensor] = {}
        self._moments: dict[int, _Moment] = {}

    def take(
        self,
        which: Sequence[int],
        positions: Tensor,
        *,
        network: Mapping[str, Tensor],
        optimizer: Mapping[str, Tensor],
        epoch: int,
        stopped: Sequence[bool],
        noise: Sequence[Tensor],
        paths: Sequence[str | None],
    ) -> None:
        """Keep the current state of some members.

        Args:
            which: their numbers among all members.
            positions: ``(m,)`` their positions in the stacks.
            network: stacked parameters and buffers by name.
            optimizer: state of the stacked optimizer, by name.
            epoch: number of the epoch.
            stopped: whether each has been stopped early.
            noise: state of each one's generator.
            paths: of the files that they will be written to; None for no file.
        """
        numbers = torch.tensor(which, device=positions.device)
        for kept, now in ((self.network, network), (self.optimizer, optimizer)):
            for name, stack in now.items():
                if name not in kept:
                    kept[name] = stack.new_zeros(len(self.members), *stack.shape[1:])
                kept[name].index_copy_(0, numbers.to(stack.device), stack[positions.to(stack.device)])
        for number, is_stopped, state, path in zip(which, stopped, noise, paths, strict=True):
            self._moments[number] = self._moment(number, epoch, is_stopped, state, path)

    def _moment(self, number: int, epoch: int, stopped: bool, noise: Tensor, path: str | None) -> _Moment:
        member = self.members[number]
        ended = self._are_last
        # Lightning's rules look after the validation where not every epoch has one, otherwise at the epoch's end.
        at_validation = not ended and member.epochs_per_validation > 1
        latest = member.history[-1]
        callbacks = [*member.early_stopping, *member.checkpoints]
        return _Moment(
            path=path,
            epoch=epoch,
            steps=member.steps,
            steps_in_epoch=-(-latest.batches // member.batches_per_step),
            batches=latest.batches,
            ended=ended,
            schedule_steps=_schedule_steps(member, epoch, ended=ended),
            sums=latest.sums,
            at_validation=at_validation,
            resume={
                "position": BETWEEN_STEPS if ended else NOT_EXACT if at_validation else EPOCH_END,
                "should_stop": stopped,
                "metrics": member.latest_metrics(at_validation=at_validation),
                "noise": noise.unsqueeze(0),
            },
            # torch makes new dicts of numbers.
            param_groups=member.optimizer.state_dict()["param_groups"],
            schedule=deepcopy(member.schedule["scheduler"].state_dict()) if member.schedule else None,
            callbacks={callback.state_key: dict(callback.state_dict()) for callback in callbacks},
            weight_path=({}, 1) if member.path is None else (dict(member.path.snapshots), member.path.every),
        )

    def checkpoint(self, number: int, kind: type[StackedOptimizer], extra: Mapping[str, Any]) -> dict[str, Any]:
        """A member's checkpoint as Lightning would have made it at that moment.

        Loads the weights into the member's model.
        """
        member, moment = self.members[number], self._moments[number]
        self.load_weights(number)
        state = {name: tensor.clone() for name, tensor in member.model.state_dict().items()}
        if "cut" in state and (self._are_last or moment.path != member.reported_path):
            # A threshold is chosen for the weights that are reported.
            state["cut"].fill_(START)
        passed = [
            (each.number, {**each.val, **({} if moment.at_validation and each.number == moment.epoch else each.train)})
            for each in member.history
            if each.number <= moment.epoch
        ]
        snapshots, every = moment.weight_path
        remembered = kind.member_state(self.optimizer, number, member.optimizer)
        return {
            "epoch": moment.epoch + moment.ended,
            "global_step": moment.steps,
            "pytorch-lightning_version": L.__version__,
            "state_dict": state,
            "loops": _loops(moment, member),
            "callbacks": moment.callbacks,
            "optimizer_states": [{"state": remembered, "param_groups": moment.param_groups}],
            "lr_schedulers": [] if moment.schedule is None else [moment.schedule],
            **extra,
            RESUME: moment.resume,
            HISTORY: stored_history(by_metric(passed), snapshots, every=every),
            "epoch_sums": torch.tensor([moment.sums], dtype=torch.float64),
        }

    def epoch(self, number: int) -> int | None:
        """The epoch, from 0, of a member's kept state; None if none was kept."""
        moment = self._moments.get(number)
        return None if moment is None else moment.epoch

    def path(self, number: int) -> str | None:
        """The file of a member's kept state; None if none was kept, or it has no file."""
        moment = self._moments.get(number)
        return None if moment is None else moment.path

    def load_weights(self, number: int) -> None:
        """Load a member's weights of that moment into its model."""
        network = self.members[number].model.network
        # Without buffers that are no part of a state.
        own = network.state_dict()
        network.load_state_dict({name: trimmed(self.network[name][number], own[name].shape).cpu() for name in own})

    def write(self, number: int, kind: type[StackedOptimizer], extra: Mapping[str, Any]) -> None:
        """Write a member's checkpoint atomically.

        Args:
            number: of the member; nothing is written if it kept nothing, or has no file for it.
            kind: class of the stacked optimizer.
            extra: entries that callbacks would have added, by key.
        """
        path = self.path(number)
        if path is not None:
            AtomicCheckpointIO().save_checkpoint(self.checkpoint(number, kind, extra), path)


def _schedule_steps(member: Member, epoch: int, *, ended: bool) -> tuple[int, int]:
    """Steps of the schedule before a checkpoint is written, in total and in the epoch, as Lightning counts them."""
    if member.schedule is None:
        return 0, 0
    n_batches = member.history[-1].batches
    if member.schedule["interval"] == "step":
        return member.steps, -(-n_batches // member.batches_per_step)
    is_plateau = isinstance(member.schedule["scheduler"], ReduceLROnPlateau)
    every = plateau_frequency(member) if is_plateau else 1
    # A broken off epoch moves none, and a plateau is looked for after the checkpoint of an epoch.
    counts = n_batches == member.row_batches().n_steps and (ended or not is_plateau)
    return (epoch + counts) // every, int(counts and (epoch + 1) % every == 0)


def _loops(moment: _Moment, member: Member) -> dict[str, Any]:
    """The state of Lightning's loops at the end of an epoch, so that a resumed run continues with the next."""
    steps, batches, epochs = moment.steps, moment.batches, moment.epoch + 1
    in_epoch_steps = moment.steps_in_epoch
    in_total, in_epoch = moment.schedule_steps
    val_batches = -(-len(member.split.val) // member.datamodule.eval_batch_size)
    n_batches = member.row_batches().n_steps
    is_whole = batches == n_batches
    val = val_batches if epochs - (not is_whole) >= member.epochs_per_validation else 0
    val_in_epoch = val if is_whole and member.validates(moment.epoch) else 0
    idle = {"state_dict": {}, "batch_progress": _batches(0, 0, is_last=False)}
    return {
        "fit_loop": {
            "state_dict": {"combined_loader": [{"taken": 0 if is_whole else batches}]},
            "epoch_loop.state_dict": {"_batches_that_stepped": steps - moment.at_validation},
            "epoch_loop.batch_progress": _batches(moment.epoch * n_batches + batches, batches, is_last=is_whole),
            "epoch_loop.scheduler_progress": {"total": _ready(in_total), "current": _ready(in_epoch)},
            "epoch_loop.automatic_optimization.state_dict": {},
            "epoch_loop.automatic_optimization.optim_progress": {
                "optimizer": {
                    "step": {"total": _ready(steps), "current": _ready(in_epoch_steps)},
                    "zero_grad": {
                        "total": _ready(steps) | {"started": steps},
                        "current": _ready(in_epoch_steps) | {"started": in_epoch_steps},
                    },
                }
            },
            "epoch_loop.manual_optimization.state_dict": {},
            "epoch_loop.manual_optimization.optim_step_progress": {"total": _ready(0), "current": _ready(0)},
            "epoch_loop.val_loop.state_dict": {},
            "epoch_loop.val_loop.batch_progress": _batches(val_in_epoch, val, is_last=val > 0),
            "epoch_progress": {
                part: {
                    "ready": epochs,
                    "completed": epochs - 1 + moment.ended,
                    "started": epochs,
                    "processed": epochs - moment.at_validation,
                }
                for part in ("total", "current")
            },
        },
        "validate_loop": idle,
        "test_loop": idle,
        "predict_loop": {"state_dict": {}, "batch_progress": {part: _processed(0) for part in ("total", "current")}},
    }


def _ready(count: int) -> dict[str, int]:
    return {"ready": count, "completed": count}


def _batches(total: int, current: int, *, is_last: bool) -> dict[str, Any]:
    return {"total": _processed(total), "current": _processed(current), "is_last_batch": is_last}


def _processed(count: int) -> dict[str, int]:
    return {"ready": count, "completed": count, "started": count, "processed": count}
