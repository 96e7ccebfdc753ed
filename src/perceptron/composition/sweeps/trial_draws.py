"""The trials of a search, drawn in batches from Optuna's study. Those that a filter leaves out are told as pruned."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from perceptron.composition.sweeps.job_list import Admission
from perceptron.composition.sweeps.planned_trials import is_grid
from perceptron.composition.sweeps.search_space import SearchSpace
from perceptron.composition.sweeps.study import readable_study, sampler_of_trial, sampler_without_end
from perceptron.errors import UsageError
from perceptron.sweeps.combination_filter import KEY

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import Trial

# Attributes of a trial: the folder of the sweep that runs it, and that the filter has left it out.
_FOLDER, _LEFT_OUT = "folder", "left_out"
# Of a space of which a filter leaves one hundredth, as many draws miss all of it once in 20,000 times.
_MOST_IN_A_ROW = 1000


class Drawn(NamedTuple):
    """A trial and the overrides that make its job.

    Attributes:
        trial: in the study.
        overrides: its fixed and its drawn settings.
    """

    trial: "Trial"
    overrides: list[str]


class TrialDraws:
    """Draws trials until the database holds as many as are wanted.

    A filter leaves out what is drawn and does not meet it: the study is told that such a trial was pruned, as Optuna's
    authors advise for combinations that cannot be run, since the TPE sampler ignores failed trials, and draws them
    again: for 20 trials with ``lr * batch_size < 2``, 10 draws were left out where they were pruned, and more than 200
    where they had failed (measured). They do not count, and the numbers of the others have gaps: a job's folder is
    named by its trial.

    Args:
        study: in the database.
        storage: its URL.
        folder: of the sweep.
        space: that is drawn from.
        settings: of ``hydra.sweeper``.
        seed: of the run.
        admission: decides which combinations are run; None for all.
    """

    def __init__(
        self,
        study: "Study",
        storage: str,
        *,
        folder: Path,
        space: SearchSpace,
        settings: Mapping[str, Any],
        seed: int,
        admission: Admission | None,
    ) -> None:
        self._study = study
        self._storage = storage
        self._folder = folder
        self._space = space
        self._settings = settings
        self._seed = seed
        self._admission = admission
        # A grid has no more.
        self._size = (space.size() or math.inf) if is_grid(settings) else math.inf
        self._unfinished = self._left_running()

    def batch(self, count: int) -> list[Drawn]:
        """The next trials: first those that a killed search has left running, with their numbers and values.

        Args:
            count: of trials at most.

        Returns:
            No trial if the database holds as many as are wanted.

        Raises:
            UsageError: if the filter leaves out all that is drawn, or the database is damaged.
        """
        batch: list[Drawn] = []
        n_in_a_row = 0
        while len(batch) < count:
            number = self._unfinished.pop(0) if self._unfinished else None
            if number is None and self.n_not_drawn == 0:
                break
            drawn = self._draw(number)
            if self._admission is None or self._admission.admits(drawn.overrides):
                batch.append(drawn)
                n_in_a_row = 0
                continue
            self._leave_out(drawn.trial)
            n_in_a_row += 1
            if n_in_a_row == _MOST_IN_A_ROW:
                raise UsageError(
                    f"{KEY} must leave enough to draw from, got one that leaves out {_MOST_IN_A_ROW:,} draws in a row; "
                    "widen it, or narrow the ranges"
                )
        if not batch and self.n_left_out and self.n_left_out == len(self._study.get_trials(deepcopy=False)):
            raise UsageError(f"{KEY} must leave a trial, got one that leaves out all {self.n_left_out}; widen it")
        return batch

    @property
    def n_left_out(self) -> int:
        """Number of trials that the filter has left out so far."""
        return sum(_LEFT_OUT in trial.user_attrs for trial in self._study.get_trials(deepcopy=False))

    @property
    def n_not_drawn(self) -> int:
        """Number of trials that are still to be drawn; of a grid with a filter the largest that it may be."""
        number = len(self._study.get_trials(deepcopy=False))
        return int(max(0, min(self._settings["n_trials"] + self.n_left_out, self._size) - number))

    def _draw(self, number: int | None) -> Drawn:
        """Draw a new trial, or go on with the one of a number.

        By the trial's own sampler: values that were not all drawn before a kill are drawn the same again.
        """
        # Imported here, because it imports torch.
        from perceptron.callbacks.pruning import trial_of

        drawn_as = len(self._study.get_trials(deepcopy=False)) if number is None else number
        self._study.sampler = sampler_of_trial(self._settings, seed=self._seed, number=drawn_as)
        with readable_study(self._storage):
            trial = self._study.ask() if number is None else trial_of(self._study, self._storage, number)
            trial.set_user_attr(_FOLDER, str(self._folder))
            return Drawn(trial, self._space.draw(trial))

    def _leave_out(self, trial: "Trial") -> None:
        from optuna.trial import TrialState

        trial.set_user_attr(_LEFT_OUT, True)
        self._study.sampler = sampler_without_end(self._study.sampler, self._settings)
        self._study.tell(trial.number, state=TrialState.PRUNED)

    def _left_running(self) -> list[int]:
        """Numbers of the trials that a killed search of this folder has left running.

        If other sweeps may use the database, they are those with this folder. If not, a trial without a folder is this
        sweep's: it was killed between its creation and its first attribute.
        """
        from optuna.trial import TrialState

        is_shared = self._settings["storage"] is not None
        folders: Sequence[str | None] = (str(self._folder),) if is_shared else (str(self._folder), None)
        with readable_study(self._storage):
            running = self._study.get_trials(states=(TrialState.RUNNING,))
            return [trial.number for trial in running if trial.user_attrs.get(_FOLDER) in folders]
