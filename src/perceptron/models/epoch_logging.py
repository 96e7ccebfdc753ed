"""A LightningModule that hands the metrics of an epoch to the loggers itself."""

import logging
from typing import Any

import lightning as L
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from perceptron.models.several_steps import STEP_HOOKS

_logger = logging.getLogger(__name__)

# Hooks in which Lightning logs single steps unless told otherwise.
_STEP_HOOKS = ("training_step", *STEP_HOOKS)


class EpochLoggingModule(L.LightningModule):
    """Logs the metrics of an epoch together, its own and those of callbacks. Has no loss of its own.

    All of them get the number of the last optimizer step, however many steps were one batch to Lightning, and are
    written before the epoch's checkpoint: a run that continues from it logs nothing twice and leaves nothing out.
    """

    def __init__(self) -> None:
        super().__init__()
        # Names that were logged since they were last handed to the loggers, of training and of evaluation.
        self._pending: dict[bool, list[str]] = {True: [], False: []}
        self._warned: set[str] = set()

    def __setattr__(self, name: str, value: Any) -> None:
        """Set the name of the current hook, as Lightning does 46 times a step, without torch's checks.

        torch looks through each value for parameters, which takes a fifteenth of a small network's step (measured).
        """
        if name == "_current_fx_name":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def log(
        self,
        name: str,
        value: Any,
        prog_bar: bool = False,
        logger: bool | None = None,
        on_step: bool | None = None,
        on_epoch: bool | None = None,
        *others: Any,
        **named: Any,
    ) -> None:
        """Log a metric as Lightning does, but leave it to ``log_epoch`` to hand an epoch's metrics to the loggers.

        Outside of a fit Lightning hands them over itself, since it returns them too.
        """
        trainer = self.trainer
        of_step = on_step or (on_step is None and trainer.training and self._current_fx_name in _STEP_HOOKS)
        if logger is not False and not trainer.barebones:
            if not of_step and self._is_fitted:
                pending = self._pending[trainer.training]
                pending += [] if name in pending else [name]
                logger = False
            elif of_step and not trainer.log_every_n_steps and name not in self._warned:  # type: ignore[attr-defined]
                self._warned.add(name)
                _logger.warning(
                    "%s is logged at steps, and trainer.log_every_n_steps=0 keeps steps out of the loggers; set "
                    "trainer.log_every_n_steps=1, or log it with on_step=False and on_epoch=True",
                    name,
                )
        super().log(name, value, prog_bar, logger, on_step, on_epoch, *others, **named)

    def log_epoch(self, metrics: dict[str, Tensor], *, logger: bool | None = None) -> None:
        """Log metrics at the end of an epoch, and hand them to the loggers with those that callbacks logged before.

        Args:
            metrics: values by name.
            logger: False to keep them from the loggers.
        """
        # A barebones trainer warns of every log.
        if self.trainer.barebones:
            return
        self.log_dict(metrics, logger=logger)
        if logger is False or not self._is_fitted:
            return
        names = self._pending[self.trainer.training]
        found = self.trainer.callback_metrics
        values = {name: found[name].item() for name in names if name in found}
        names.clear()
        if self.trainer.sanity_checking:
            return
        # Numbered as in Lightning, from 0.
        step = max(self.trainer.global_step - 1, 0)
        for each in self.trainer.loggers:
            each.log_metrics({**values, "epoch": self.current_epoch}, step=step)
            each.save()

    @property
    def _is_fitted(self) -> bool:
        return self.trainer.state.fn == TrainerFn.FITTING
