"""Ends trials of a search that fall behind."""

import lightning as L

from perceptron.errors import PrunedError


class PruneHopeless(L.Callback):
    """Reports the monitored metric to an Optuna study after every epoch, and ends the run where its pruner says so.

    Args:
        storage: URL of the study's database.
        study_name: name of the study.
        number: number of the trial.
        monitor: metric to report.
    """

    def __init__(self, *, storage: str, study_name: str, number: int, monitor: str) -> None:
        self.storage = storage
        self.study_name = study_name
        self.number = number
        self.monitor = monitor

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Connect to the study."""
        import optuna

        study = optuna.load_study(study_name=self.study_name, storage=self.storage)
        storage = optuna.storages.RDBStorage(self.storage)
        study_id = storage.get_study_id_from_name(self.study_name)
        self._trial = optuna.trial.Trial(study, storage.get_trial_id_from_study_id_trial_number(study_id, self.number))
        self._reported = {*study.get_trials(deepcopy=False)[self.number].intermediate_values}

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Report the epoch before, whose training loss is logged only at its very end.

        Raises:
            PrunedError: where the pruner gives the trial up.
        """
        value = trainer.callback_metrics.get(self.monitor)
        epoch = trainer.current_epoch - 1
        if value is None or epoch in self._reported:
            return
        self._trial.report(value.item(), step=epoch)
        if self._trial.should_prune():
            raise PrunedError(f"pruned after epoch {epoch}: {self.monitor} {value.item():.4f} falls behind")
