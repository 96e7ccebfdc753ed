"""The LightningModule that trains a population: cohorts of members, each in one stack."""

from collections.abc import Sequence

import lightning as L
import torch

from perceptron.population.cohort import Cohort
from perceptron.population.member import Member
from perceptron.population.row_tables import TableTensors
from perceptron.population.stacked_optimizer import StackedOptimizer

# Steps that a cohort takes in a row: its weights stay in the processor's caches. Signals and the progress bar are
# handled in between.
_STEPS_AT_ONCE = 64


class Population(L.LightningModule):
    """Models trained side by side, each as if it were trained alone.

    Args:
        stacks: members of each stack: their networks are of one architecture, their optimizers of one class.
    """

    def __init__(self, stacks: Sequence[Sequence[Member]]) -> None:
        super().__init__()
        self.automatic_optimization = False
        tensors = TableTensors()
        self.cohorts = torch.nn.ModuleList(Cohort(members, tensors) for members in stacks)
        self.n_steps = max(member.row_batches().n_steps for members in stacks for member in members)

    @property
    def living(self) -> list[Member]:
        """Members that are still in training."""
        return [member for cohort in self._cohorts() for member in cohort.living]

    def place(self, member: Member) -> tuple[Cohort, int]:
        """The cohort of a member, and the member's position among those that the cohort began with."""
        for cohort in self._cohorts():
            if member in cohort.members:
                return cohort, cohort.members.index(member)
        raise ValueError("the population has no such member")

    def steps(self) -> range:
        """The batches for ``Trainer.fit``: the first step of each."""
        return range(0, self.n_steps, _STEPS_AT_ONCE)

    def configure_optimizers(self) -> list[StackedOptimizer]:
        """The members' optimizers, one for each cohort."""
        return [cohort.optimizer for cohort in self._cohorts()]

    def on_fit_start(self) -> None:
        """Move the cohorts to the device, and connect members of a search to their study."""
        self._enter()
        for member in self.living:
            if member.pruning is not None:
                member.pruning.connect()

    def on_train_epoch_start(self) -> None:
        """Start the epoch in every cohort."""
        for cohort in self._cohorts():
            cohort.start_epoch(self.current_epoch)

    def training_step(self, batch: int, batch_idx: int) -> None:  # noqa: ARG002
        """Take several steps of every member: Lightning's loop takes as long as a step of ten members (measured)."""
        for cohort in self._cohorts():
            cohort.train_steps(_STEPS_AT_ONCE)

    def on_train_epoch_end(self) -> None:
        """Score each living member, stop it and keep its weights, as its own callbacks would."""
        is_last = self.current_epoch + 1 == self.trainer.max_epochs
        for cohort in self._cohorts():
            cohort.end_epoch(is_last=is_last)
        living = self.living
        if not living:
            self.trainer.should_stop = True
        # Only the progress bar shows them, and logging them takes as long as half a step of 32 members.
        if self.trainer.progress_bar_callback is not None:
            self.log("members", float(len(living)))
            if living:
                losses = torch.tensor([member.history[-1].train["train/loss"] for member in living])
                self.log("train/loss", losses.median())

    def score(self) -> None:
        """Set each member's ``metrics``: those of its best weights on each split that has rows."""
        # Lightning moves a module back to the CPU when a fit ends.
        self._enter()
        for cohort in self._cohorts():
            cohort.score()

    def _enter(self) -> None:
        for cohort in self._cohorts():
            cohort.enter()

    def _cohorts(self) -> list[Cohort]:
        return [cohort for cohort in self.cohorts if isinstance(cohort, Cohort)]
