"""The trials of a search, drawn in batches from Optuna's study. Those that a filter leaves out are told as pruned."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from perceptron.composition.sweeps.checked_space import MOST_IN_A_ROW, leaves_too_little
from perceptron.composition.sweeps.job_list import Admission
from perceptron.composition.sweeps.search_space import SearchSpace
from perceptron.composition.sweeps.study import readable_study, sampler_of_trial, sampler_without_end
from perceptron.composition.sweeps.time_limit import TimeLimit
from perceptron.terminal.text import say

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import Trial

# Attributes of a trial: the folder of the sweep that runs it, and that the filter has left it out.
_FOLDER, _LEFT_OUT = "folder", "left_out"
# In a database, about ten seconds.
_IN_A_ROW_TOLD = 100


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
        n_trials: that are wanted; of a grid no more than it has.
        seed: of the run.
        admission: decides which combinations are run; None for all.
        limit: after which nothing is drawn.
    """

    def __init__(
        self,
        study: "Study",
        storage: str,
        *,
        folder: Path,
        space: SearchSpace,
        settings: Mapping[str, Any],
        n_trials: int,
        seed: int,
        admission: Admission | None,
        limit: TimeLimit,
    ) -> None:
        self._study = study
        self._storage = storage
        self._folder = folder
        self._space = space
        self._settings = settings
        self._seed = seed
        self._admission = admission
        self._n_trials = n_trials
        self._limit = limit
        self._unfinished = self._left_running()

    def batch(self, count: int) -> list[Drawn]:
        """The next trials: first those that a killed search has left running, with their numbers and values.

        Args:
            count: of trials at most.

        Returns:
            No trial if the database holds as many as are wanted.

        Raises:
            UsageError: if the filter leaves out all that is drawn, or the database is damaged.
            OutOfTimeError: if the time of the sweep has passed. Trials that have been drawn stay as they are, and are
                run first when the search goes on.
        """
        batch: list[Drawn] = []
        n_in_a_row = 0
        while len(batch) < count:
            number = self._unfinished.pop(0) if self._unfinished else None
            if number is None and self.n_not_drawn == 0:
                break
            self._limit.check(n_waiting=len(batch) + (number is not None) + len(self._unfinished) + self.n_not_drawn)
            drawn = self._draw(number)
            if self._admission is None or self._admission.admits(drawn.overrides):
                batch.append(drawn)
                n_in_a_row = 0
                continue
            self._leave_out(drawn.trial)
            n_in_a_row += 1
            if n_in_a_row == MOST_IN_A_ROW:
                raise leaves_too_little(self._admission)
            if n_in_a_row % _IN_A_ROW_TOLD == 0:
                say(f"sweep.filter has left out {n_in_a_row} draws in a row", file=sys.stderr)
        return batch

    @property
    def n_left_out(self) -> int:
        """Number of trials that the filter has left out so far."""
        return sum(_LEFT_OUT in trial.user_attrs for trial in self._study.get_trials(deepcopy=False))

    @property
    def n_not_drawn(self) -> int:
        """Number of trials that are still to be drawn."""
        return max(0, self._n_trials + self.n_left_out - len(self._study.get_trials(deepcopy=False)))

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
