"""Members in one stack: a step updates all that are still in training."""

import math
from collections.abc import Iterator, Sequence
from itertools import compress, islice

import torch
from torch import Tensor, nn

from perceptron.errors import DivergedError
from perceptron.models import BinaryClassifier
from perceptron.population.checkpoints import Snapshots
from perceptron.population.dropout_noise import Noise, dropout_rates
from perceptron.population.epoch_end import ends, prune, taken_up
from perceptron.population.gradient_accumulation import GradientAccumulation
from perceptron.population.gradient_clipping import GradientClipping
from perceptron.population.kept_states import KeptStates
from perceptron.population.losses import losses_and_gradients, mean_answers
from perceptron.population.member import Epoch, Member
from perceptron.population.optimizer_choice import stack_optimizers
from perceptron.population.padding import padded
from perceptron.population.row_tables import RowTables, TableTensors
from perceptron.population.schedule_steps import step_plateaus, step_schedules
from perceptron.population.scores import scores
from perceptron.population.scoring_groups import ScoringGroups
from perceptron.population.stacking import stack_networks
from perceptron.population.step_rows import Part, epoch_steps, split_parts
from perceptron.population.weight_paths import extend_paths

_SPLITS = ("train", "val", "test")


class Cohort(nn.Module):
    """Members whose weights lie in one stack.

    Args:
        members: their networks are of one architecture, their optimizers of one class.
        tensors: of the population's tables.

    Attributes:
        living: members that are still in training, in the order of the stacks.
        scoring_groups: which of them are scored together.
        kept: the states that the members' checkpoint rules have kept, and those at their ends.
    """

    def __init__(self, members: Sequence[Member], tensors: TableTensors) -> None:
        super().__init__()
        self.members = list(members)
        self.living = list(members)
        self.network = stack_networks([member.model.network for member in members])
        self.noise = Noise(
            [member.seed for member in members], [dropout_rates(member.model.network) for member in members]
        )
        # A ParameterList takes 10 µs to iterate over.
        self._stacks = list(self.network.stacked)
        self.optimizer = stack_optimizers(self._stacks, [member.optimizer for member in members])
        self.clipping = GradientClipping(
            [member.gradient_limit for member in members], by_norm=members[0].clips_by_norm
        )
        self.accumulation = GradientAccumulation(members[0].batches_per_step)
        self.kept = KeptStates(members)
        self.tables = RowTables(members, tensors)
        for name in ("mean", "scale"):
            self.register_buffer(name, self._stacked_scaling(name), persistent=False)
        self.scoring_groups = ScoringGroups(members)
        self._steps_schedules = any(member.schedule and member.schedule["interval"] == "step" for member in members)
        self._numbers = list(range(len(members)))
        # Set by ``enter`` and by ``start_epoch``.
        self.device = torch.device("cpu")
        self._epoch = 0
        self._n_batches: list[int] = []
        self._validated: list[bool] = []
        self._steps: Iterator[list[Part]] = iter(())
        self._loss_sum = torch.empty(0)
        self._n_correct = torch.empty(0, dtype=torch.int64)

    def enter(self) -> None:
        """Move whatever is not a parameter or buffer of this module to its device."""
        self.device = self.tables.features.device
        self.network.stacked_buffers = {
            name: stack.to(self.device) for name, stack in self.network.stacked_buffers.items()
        }
        for member in self.members:
            member.model.to(self.device)

    def start_epoch(self, epoch: int) -> None:
        """Start the order of rows, the streams of noise and the sums of losses of an epoch."""
        self._epoch = epoch
        if epoch == 0:
            extend_paths(self.living, self.network.state, 0)
        self.network.train()
        self.noise.start_epoch(epoch, self.device)
        self._loss_sum = torch.zeros(len(self.living), device=self.device)
        self._n_correct = torch.zeros(len(self.living), device=self.device, dtype=torch.int64)
        self._n_batches = [member.batches_left() for member in self.living]
        self.accumulation.start_epoch(self._n_batches)
        self._steps = epoch_steps(self.living, epoch, self.tables, self._n_batches)

    def train_steps(self, count: int) -> None:
        """Take the next ``count`` steps of the epoch, or those that are left."""
        for parts in islice(self._steps, count):
            self._step(parts)

    def _step(self, batch: list[Part]) -> None:
        """A step of every member that has rows left in this epoch."""
        for part in batch:
            outputs = self._outputs(part.members, part.rows, self.noise)
            correct = self._correct(outputs, part)
            losses, gradient = self._losses(outputs, part)
            self.network.backward(gradient)
            self._add_to_sums(part, losses, correct)
        took_part = None if batch[0].members is None else torch.cat([part.members for part in batch])  # type: ignore[misc]
        if took_part is not None and len(took_part) == len(self.living):
            took_part = None
        self.optimizer.active = self.accumulation.step_members(self._stacks, took_part)
        if self.optimizer.active is not None and not len(self.optimizer.active):
            return
        self.clipping.clip(self._stacks)
        self.optimizer.update()
        if self._steps_schedules:
            active = self.optimizer.active
            stepped = self.living if active is None else [self.living[position] for position in active.tolist()]
            self._refresh(step_schedules(stepped, "step"))

    def end_epoch(self, *, is_last: bool) -> None:
        """Score each living member, stop it and keep its weights, as its own callbacks would."""
        if not self.living:
            return
        # An epoch that is broken off has no validation, and moves no schedule.
        whole = [
            count == member.row_batches().n_steps for member, count in zip(self.living, self._n_batches, strict=True)
        ]
        self._refresh(step_schedules(compress(self.living, whole), "epoch"))
        n_rows = [
            sum(member.row_batches().sizes()[:count])
            for member, count in zip(self.living, self._n_batches, strict=True)
        ]
        train = self._train_losses(n_rows)
        correct = self._n_correct.tolist()
        self._validated = [
            is_whole and member.validates(self._epoch) for is_whole, member in zip(whole, self.living, strict=True)
        ]
        val = self._scores(
            "val", [bool(torch.isfinite(loss)) and has for loss, has in zip(train, self._validated, strict=True)]
        )
        for position, member in enumerate(self.living):
            loss, n_correct, n_batches = train[position].item(), correct[position], self._n_batches[position]
            member.steps += -(-n_batches // member.batches_per_step)
            for value in (val[position].get("val/loss", 0.0), loss):
                if not math.isfinite(value):
                    member.failure = DivergedError(value, self._epoch)
            if member.failure is None:
                sums = (self._loss_sum[position].item(), n_rows[position], n_correct)
                logged = {"train/loss": loss}
                if member.model.counts_labels:
                    logged["train/acc"] = _single(n_correct / n_rows[position])
                member.history.append(Epoch(self._epoch, member.steps - 1, val[position], logged, sums, n_batches))
        stopped = ends(self.living, self._validated, self._epoch)
        # In the order of a run alone, where a rule that looks after the validation stores no snapshot of this epoch.
        if self.members[0].epochs_per_validation > 1:
            self._keep_best(stopped)
            extend_paths(self.living, self.network.state, self._epoch + 1)
        else:
            extend_paths(self.living, self.network.state, self._epoch + 1)
            self._keep_best(stopped)
        self._refresh(step_plateaus(compress(self.living, whole), self._epoch))
        leaving = [is_last or ended or member.is_at_limit for ended, member in zip(stopped, self.living, strict=True)]
        gone = [position for position, member in enumerate(self.living) if member.failure is None and leaving[position]]
        lasts = [self.living[position].last for position in gone]
        self._take(self.kept.last, gone, stopped, [None if path is None else str(path) for path in lasts])
        prune(self.living, leaving, self._epoch)
        self._remove([ended or member.failure is not None for ended, member in zip(leaving, self.living, strict=True)])

    def score(self) -> None:
        """Set each member's ``metrics``: those of its best weights on each split that has rows."""
        self.living = [member for member in self.members if member.failure is None]
        self._numbers = [i for i, member in enumerate(self.members) if member.failure is None]
        if not self.living:
            return
        self.mean, self.scale = (self._stacked_scaling(name).to(self.device) for name in ("mean", "scale"))
        self.network.load(self.kept.reported_weights(self._numbers))
        self._choose_thresholds()
        self.scoring_groups = ScoringGroups(self.living)
        for split in _SPLITS:
            for member, found in zip(self.living, self._scores(split), strict=True):
                member.metrics |= found
                if split == "val" and isinstance(member.model, BinaryClassifier) and member.model.chooses_threshold:
                    member.metrics["val/threshold"] = member.model.threshold

    @torch.no_grad()
    def _choose_thresholds(self) -> None:
        """Choose the thresholds of members with ``threshold=auto``, each on its own validation rows."""
        self.network.eval()
        for position, member in enumerate(self.living):
            model, size = member.model, member.datamodule.eval_batch_size
            if isinstance(model, BinaryClassifier) and model.chooses_threshold:
                one, rows = torch.tensor([position]), self.tables.rows(member, "val")
                one, rows = one.to(self.device), rows.unsqueeze(0).to(self.device)
                outputs = [self._outputs(one, some, None) for some in torch.split(rows, size, dim=1)]
                answers = mean_answers(model, torch.cat(outputs, dim=1))[0]
                model.choose_threshold(answers, self.tables.target[rows[0]])

    def _losses(self, outputs: Tensor, part: Part) -> tuple[Tensor, Tensor]:
        """Loss of each row times its factor, ``(m, batch)``, and the gradient of each member's mean by its outputs."""
        of_groups = [
            losses_and_gradients(model, outputs[where], part.target[where])
            for model, where in self.scoring_groups.slices(part.members)
        ]
        losses, gradient = of_groups[0] if len(of_groups) == 1 else map(torch.cat, zip(*of_groups, strict=True))
        if part.factors is not None:
            factors = part.factors.view(*losses.shape, *[1] * (gradient.ndim - 2))
            losses, gradient = losses * part.factors, gradient * factors
        return losses, gradient.mul_(1 / (losses.shape[1] * self.accumulation.count))

    def _outputs(self, members: Tensor | None, rows: Tensor, noise: Noise | None) -> Tensor:
        features = self.tables.features.index_select(0, rows.flatten()).view(*rows.shape, -1)
        if not self.tables.is_standardized:
            mean, scale = (each if members is None else each[members] for each in (self.mean, self.scale))
            features.sub_(mean).div_(scale)
        outputs: Tensor = self.network(features, members, noise)
        return outputs

    def _add_to_sums(self, part: Part, losses: Tensor, correct: Tensor | None) -> None:
        sums = losses.sum(dim=1, dtype=self._loss_sum.dtype)
        if part.members is None:
            self._loss_sum += sums
        else:
            self._loss_sum.index_add_(0, part.members, sums)
        if correct is not None:
            counts = correct.sum(dim=1)
            if part.members is None:
                self._n_correct += counts
            else:
                self._n_correct.index_add_(0, part.members, counts)

    def _correct(self, outputs: Tensor, part: Part) -> Tensor | None:
        """Which rows are labelled correctly, ``(m, batch)``; None where labels are not counted."""
        if not self.members[0].model.counts_labels:
            return None
        with torch.no_grad():
            of_groups = [
                model.correct(mean_answers(model, outputs[where]), part.target[where])
                for model, where in self.scoring_groups.slices(part.members)
            ]
        return of_groups[0] if len(of_groups) == 1 else torch.cat([each for each in of_groups if each is not None])

    def _train_losses(self, n_rows: Sequence[int]) -> Tensor:
        means = self._loss_sum / self._loss_sum.new_tensor(n_rows)
        return torch.cat([model.loss_in_units(means[where]) for model, where in self.scoring_groups.slices(None)]).cpu()

    @torch.no_grad()
    def _scores(self, split: str, which: Sequence[bool] | None = None) -> list[dict[str, float]]:
        """Loss and metrics of each living member on its rows of a split; empty without rows.

        Args:
            split: name of the split.
            which: whether each member is scored; None to score all.
        """
        self.network.eval()
        found: list[dict[str, float]] = [{} for _ in self.living]
        for part in split_parts(self.living, split, self.tables):
            rows, target = part.rows, part.target
            positions = list(range(len(self.living))) if part.members is None else part.members.tolist()
            wanted = [i for i, position in enumerate(positions) if which is None or which[position]]
            if len(wanted) < len(positions):
                positions, rows, target = [positions[i] for i in wanted], rows[wanted], target[wanted]
            if not positions:
                continue
            members = None if len(positions) == len(self.living) else torch.tensor(positions, device=self.device)
            size = self.members[0].datamodule.eval_batch_size
            outputs = torch.cat([self._outputs(members, some, None) for some in torch.split(rows, size, dim=1)], dim=1)
            for model, where in self.scoring_groups.slices(members):
                values = scores(model, mean_answers(model, outputs[where]), target[where])
                columns = {f"{split}/{name}": value.tolist() for name, value in values.items()}
                for i, position in enumerate(positions[where]):
                    found[position] = {name: column[i] for name, column in columns.items()}
        return found

    def _stacked_scaling(self, name: str) -> Tensor:
        """Mean or scale of the living members' features, ``(members, 1, n_features)``; a padded feature stays 0."""
        width, neutral = self.tables.features.shape[1], {"mean": 0.0, "scale": 1.0}[name]
        own = [padded(getattr(member.model.standardize, name), (width,), neutral) for member in self.living]
        return torch.stack(own).unsqueeze(1)

    def _refresh(self, moved: bool) -> None:
        if moved:
            self.optimizer.refresh()

    def _keep_best(self, stopped: Sequence[bool]) -> None:
        for number, best in enumerate(self.kept.best):
            found: dict[Snapshots, dict[int, str]] = {}
            for position, (member, validated) in enumerate(zip(self.living, self._validated, strict=True)):
                path = taken_up(member, member.checkpoints[number], self._epoch, validated=validated)
                if path is not None:
                    found.setdefault(best.slot_for(self._numbers[position], path), {})[position] = path
            for slot, paths in found.items():
                self._take(slot, list(paths), stopped, list(paths.values()))

    def _take(
        self, snapshots: Snapshots, positions: list[int], stopped: Sequence[bool], paths: Sequence[str | None]
    ) -> None:
        if positions:
            snapshots.take(
                [self._numbers[position] for position in positions],
                torch.tensor(positions, device=self.device),
                network=self.network.state,
                optimizer=self.optimizer.stacks(),
                epoch=self._epoch,
                stopped=[stopped[position] for position in positions],
                noise=[self.noise.state(position, self._epoch) for position in positions],
                paths=paths,
            )

    def _remove(self, leaving: Sequence[bool]) -> None:
        """Remove the members that have ended from every stack, so that they cost nothing more."""
        if not any(leaving):
            return
        stay = [position for position, is_leaving in enumerate(leaving) if not is_leaving]
        self._numbers = [self._numbers[i] for i in stay]
        self.living = [self.living[i] for i in stay]
        self.scoring_groups.keep(stay)
        self.noise.keep(stay)
        positions = torch.tensor(stay, dtype=torch.int64, device=self.device)
        if stay:
            self.optimizer.keep(positions)
            self.network.keep(positions)
            self.clipping.keep(positions)
            self.mean, self.scale = self.mean[positions], self.scale[positions]


def _single(value: float) -> float:
    """The nearest number in single precision, which the job alone logs."""
    return torch.tensor(value).item()
