"""End trials of a search that fall behind."""

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import lightning as L

from perceptron.errors import PrunedError, UsageError

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import RDBStorage
    from optuna.trial import Trial


class PruneHopeless(L.Callback):
    """Reports the monitored metric to an Optuna study after every epoch, and ends the run where its pruner says so.

    Args:
        storage: of the study, see ``storage_url``.
        study_name: name of the study.
        number: number of the trial.
        monitor: metric to report.
        pruner: of ``optuna.pruners``, which no storage keeps.
    """

    def __init__(self, *, storage: str, study_name: str, number: int, monitor: str, pruner: Any) -> None:
        self.storage = storage
        self.study_name = study_name
        self.number = number
        self.monitor = monitor
        self.pruner = pruner
        # The last epoch that had a validation; others have no new value of its metrics.
        self._validated = -1
        self._is_over = False

    def connect(self) -> None:
        """Find the trial in its study.

        Raises:
            UsageError: where it is not there.
        """
        import optuna

        storage = _storage(self.storage, os.getpid())
        study = optuna.load_study(study_name=self.study_name, storage=storage, pruner=self.pruner)
        trials = study.get_trials(deepcopy=False)
        if self.number >= len(trials):
            raise UsageError(
                f"callbacks.pruning.number must be a trial of the study {self.study_name}, got {self.number} of "
                f"{len(trials)}; set callbacks.pruning=null to train without it"
            )
        self._trial = trial_of(study, self.storage, self.number)
        self._reported = {*trials[self.number].intermediate_values}
        # The study takes no more of a trial that it knows the end of, such as one that is trained for longer.
        self._is_over = trials[self.number].state.is_finished()

    def verdict(self, value: float, epoch: int) -> PrunedError | None:
        """Report an epoch, once.

        Returns:
            The exception to end the run with, where the pruner gives the trial up.
        """
        if self._is_over or epoch in self._reported:
            return None
        self._trial.report(value, step=epoch)
        if not self._trial.should_prune():
            return None
        return PrunedError(f"pruned after epoch {epoch}: {self.monitor} {value:.4f} falls behind")

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Connect to the study."""
        self.connect()

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Record that the epoch has a validation."""
        if not trainer.sanity_checking:
            self._validated = trainer.current_epoch

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Report the epoch before, whose training loss is logged only at its very end.

        Raises:
            PrunedError: where the pruner gives the trial up.
        """
        value = trainer.callback_metrics.get(self.monitor)
        is_old = self.monitor.startswith("val/") and self._validated != trainer.current_epoch - 1
        if value is None or is_old:
            return
        pruned = self.verdict(value.item(), trainer.current_epoch - 1)
        if pruned is not None:
            raise pruned


def trial_of(study: "Study", storage: str, number: int) -> "Trial":
    """A trial that was begun before, or in another process, to draw the rest of its values or to report on it.

    Args:
        study: its study.
        storage: of the study, see ``storage_url``.
        number: number of the trial.
    """
    from optuna.trial import Trial

    connection = _storage(storage, os.getpid())
    study_id = connection.get_study_id_from_name(study.study_name)
    return Trial(study, connection.get_trial_id_from_study_id_trial_number(study_id, number))


def storage_url(storage: str) -> str:
    """URL of a study's database. It may hold a password, so that files may name an environment variable in its place.

    Args:
        storage: a URL, or ``env:<name>`` of the environment variable that holds one.

    Raises:
        UsageError: where there is no such variable.
    """
    kind, _, name = storage.partition(":")
    if kind != "env":
        return storage
    if not os.environ.get(name):
        raise UsageError(
            f"hydra.sweeper.storage=env:{name} needs the environment variable {name}, got none; set it to a database's "
            "URL"
        )
    return os.environ[name]


@cache
def _storage(storage: str, process: int) -> "RDBStorage":  # noqa: ARG001
    """One connection for all trials of a process; a forked one needs its own."""
    from optuna.storages import RDBStorage

    return RDBStorage(storage_url(storage))
