"""A model with its data, as a run trains, tests and reports them; either may be a user's own."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import lightning as L
from omegaconf import DictConfig

from perceptron.callbacks import EpochSeeds, FiniteMetric, History
from perceptron.callbacks.compiling import compile_callbacks
from perceptron.composition.building.data import build_data
from perceptron.composition.building.model import build_model, own_data_model
from perceptron.composition.building.network import fit_network
from perceptron.composition.building.optimizer import build_optimizer, build_schedule
from perceptron.composition.building.own_parts import (
    build_own_data,
    build_own_model,
    check_batch,
    is_own_data,
    is_own_model,
    own_schema,
    without_effect,
)
from perceptron.data import TableDataModule, TableSchema
from perceptron.errors import UsageError
from perceptron.models import TaskModule
from perceptron.runs.folder import Run
from perceptron.tasks import SplitName
from perceptron.terminal.status import show
from perceptron.training.batch_limits import check_batches
from perceptron.training.changed_data import check_unchanged
from perceptron.training.evaluate import evaluate, evaluate_as_logged, evaluates
from perceptron.training.precision import to_stored_precision
from perceptron.training.reported_weights import ReportedWeights, take_reported_weights
from perceptron.training.result_files import begin_run, log_table_defaults, report_lines
from perceptron.training.run_figures import draw_curves_alone, draw_figures, figure_callbacks
from perceptron.training.start import Start
from perceptron.training.threshold_choice import check_threshold, choose_threshold

# Epochs and steps of a schedule that is made to check its settings.
_TRIAL_LENGTH = 100
# Its ``log_every_n_steps`` where it is not set.
_STEPS_OF_LIGHTNING = 50
_SPLITS: tuple[SplitName, ...] = ("train", "val", "test")


@dataclass(frozen=True)
class Learner:
    """A model and its data.

    A module of this project knows how it is trained; a table of this project knows its rows. What needs to know both,
    such as figures of the answers, is left out where a user brings either: see docs/own-parts.md.

    Attributes:
        model: to be trained.
        datamodule: set up, if it is a table.
        schema: what the columns mean to a model of this project; None for a user's model on a user's data.
        unused: groups of the configuration that a user's model takes nothing of.
    """

    model: L.LightningModule
    datamodule: L.LightningDataModule
    schema: TableSchema | None
    unused: Sequence[str] = ()

    @property
    def module(self) -> TaskModule | None:
        """The model, if it is this project's."""
        return self.model if isinstance(self.model, TaskModule) else None

    @property
    def table(self) -> TableDataModule | None:
        """The data, if they are a table of this project."""
        return self.datamodule if isinstance(self.datamodule, TableDataModule) else None

    @property
    def known(self) -> tuple[TaskModule, TableDataModule] | None:
        """Both, if both are this project's."""
        return None if self.module is None or self.table is None else (self.module, self.table)

    @property
    def rows_per_step(self) -> int | None:
        """Rows of an optimizer step; None where nobody says."""
        if self.table is not None:
            return self.table.rows_per_step
        said = getattr(self.datamodule, "batch_size", None)
        return said if isinstance(said, int) else None

    def check_unchanged(self, run: Run) -> None:
        """Check that a run that goes on has the rows that it was trained on, where it is a table that knows them."""
        if self.table is not None:
            check_unchanged(run, self.table)

    def prepare(self, start: Start | None, config: Mapping[str, Any]) -> None:
        """Load the weights to start from, and check all of a training that can be checked before anything is written.

        Lightning makes the optimizer and its schedule, and loads the checkpoint, once more and later.
        """
        if start is None and self.known is not None:
            fit_network(*self.known)
        to_stored_precision(self.model, config["trainer"]["precision"])
        if start is not None:
            start.load(self.model)
        if not config["train"]:
            return
        if self.module is not None:
            optimizer = build_optimizer(self.module, config["optimizer"])
            schedule = build_schedule(
                self.module, optimizer, config["scheduler"], max_epochs=_TRIAL_LENGTH, total_steps=_TRIAL_LENGTH
            )
            if start is not None:
                start.check_states(optimizer, schedule)
        if self.known is not None:
            check_threshold(*self.known)
        if self.table is not None:
            check_batches(config["trainer"], self.table)
        elif self.schema is not None:
            check_batch(self.datamodule, self.schema, config["data"]["_target_"])

    def with_flags(self, cfg: DictConfig, typed: Collection[str] = ()) -> DictConfig:
        """The configuration, with Lightning's own defaults of the trainer's flags where a user's part needs them.

        Args:
            cfg: the whole configuration.
            typed: the settings of the command line, which are kept.
        """
        flags: dict[str, Any] = {}
        if self.module is None and cfg.trainer.log_every_n_steps is None:
            flags["log_every_n_steps"] = _STEPS_OF_LIGHTNING
        if self.table is None and "trainer.use_distributed_sampler" not in typed:
            flags["use_distributed_sampler"] = True
        if not flags:
            return cfg
        own = cfg.copy()
        own.trainer.update(flags)
        return own

    def callbacks(
        self, config: Mapping[str, Any], history: History, start: Start | None, *, quiet: bool
    ) -> list[L.Callback]:
        """Callbacks that the configuration asks for outside of its group, and those that a user's parts need.

        Args:
            config: plain configuration.
            history: records the training.
            start: checkpoint that it starts from; None to start anew.
            quiet: whether it is a job of a sweep, which starts no process that helps to draw.
        """
        helped = self.known is not None and not quiet
        figures: list[L.Callback] = [history, *figure_callbacks(config["figures"], helped=helped)]
        compiling = compile_callbacks(config["compile"], accelerator=config["trainer"]["accelerator"])
        if self.known is not None:
            return [*figures, *compiling]
        first = start.epoch if start is not None and config["train"] else 0
        own: list[L.Callback] = [EpochSeeds(seed=config["seed"], first_epoch=first)]
        return [*own, *([FiniteMetric(config["monitor"])] if self.module is None else []), *figures, *compiling]

    def names(self, config: Mapping[str, Any], chosen: Mapping[str, str]) -> dict[str, str | None]:
        """Name of each group for the results: its option, or the class of a user's part; None where it is unused."""
        own = {} if self.module is not None else {"model": config["model"]["_target_"]}
        own |= {} if self.table is not None else {"data": config["data"]["_target_"]}
        return {**chosen, **own, **dict.fromkeys(self.unused)}

    def begin(self, folder: Path, config: Mapping[str, Any], chosen: Mapping[str, str]) -> None:
        """Write what is known before the training into the run's folder, and log it."""
        begin_run(folder, config, self.table)
        log_table_defaults(config, chosen)

    def take_reported_weights(self, trainer: L.Trainer, monitor: str) -> ReportedWeights:
        """Give the model the weights of its best checkpoint; see there."""
        return take_reported_weights(trainer, self.model, monitor, names_are_known=self.module is not None)

    def choose_threshold(self, *, checkpoint: str | None, quiet: bool) -> None:
        """Choose the threshold of trained weights, where it is to be chosen."""
        if self.known is not None:
            choose_threshold(*self.known, checkpoint=checkpoint, quiet=quiet)

    def evaluate(
        self,
        trainer: L.Trainer,
        *,
        splits: Sequence[SplitName] = _SPLITS,
        logged: Mapping[str, float] = MappingProxyType({}),
    ) -> dict[str, float]:
        """Loss and metrics on the splits; with a user's part, what the model logs of validation and test rows.

        Args:
            trainer: its callbacks and loggers take part in the evaluation of the test rows alone.
            splits: those without rows are left out.
            logged: what was logged in the epoch of these weights, which is not computed again.
        """
        if self.known is not None:
            metrics = evaluate(trainer, *self.known, splits=splits)
        else:
            needed = [split for split in splits if split == "test" or not logged]
            metrics = evaluate_as_logged(trainer, self.model, self.datamodule, splits=needed)
        return metrics | {name: value for name, value in logged.items() if name not in metrics}

    def draw_figures(
        self, config: Mapping[str, Any], trainer: L.Trainer, *, history: History, best_epoch: int | None
    ) -> None:
        """Draw the figures of a run; with a user's part, those of the training alone."""
        if config["figures"] == "none":
            return
        show("drawing the figures")
        if self.known is not None:
            draw_figures(config, trainer, *self.known, history=history, best_epoch=best_epoch)
        else:
            folder, step = Path(config["paths"]["output_dir"]), trainer.global_step
            draw_curves_alone(folder, history.curves, trainer.loggers, best_epoch=best_epoch, step=step)

    def report_lines(self, end: Mapping[str, Any] | None) -> list[str]:
        """Lines of the report on the terminal about the training and the rows."""
        lines = report_lines(self.table, end)
        if self.known is None and not evaluates("test", self.model, self.datamodule):
            lines.append("test        none: it needs a test_step of the model and a test_dataloader of the data")
        return lines


def build_learner(
    cfg: DictConfig, start: Start | None, *, chosen: Mapping[str, str], typed: Collection[str], looks: bool
) -> Learner:
    """The model and the data of a configuration.

    Args:
        cfg: the whole configuration, checked.
        start: checkpoint that training or testing starts from; None to start anew.
        chosen: option of each group, for error messages.
        typed: the settings of the command line; one that would have no effect is refused.
        looks: whether to look for what stands out in a table.

    Raises:
        UsageError: where model and data do not go together, or a setting has no effect on a user's part.
    """
    has_own_model, has_own_data = is_own_model(cfg.model), is_own_data(cfg.data)
    unused = [group for group in ("optimizer", "scheduler") if has_own_model and without_effect(cfg, group)]
    _check_effects(cfg, typed, unused, has_own_model=has_own_model, has_own_data=has_own_data)
    show("building the model" if has_own_data else "reading the data")
    if has_own_data:
        datamodule = build_own_data(cfg.data, trains=cfg.train)
        if has_own_model:
            return Learner(build_own_model(cfg, datamodule), datamodule, None, unused)
        schema = own_schema(datamodule, cfg.data._target_)
        return Learner(own_data_model(cfg, schema, chosen=chosen), datamodule, schema)
    table = build_data(cfg.data, None if start is None else start.schema, looks=looks)
    show("building the model")
    if has_own_model:
        return Learner(build_own_model(cfg, table, known=table.schema), table, table.schema, unused)
    return Learner(build_model(cfg, table, chosen=chosen), table, table.schema)


def _check_effects(
    cfg: DictConfig, typed: Collection[str], unused: Collection[str], *, has_own_model: bool, has_own_data: bool
) -> None:
    """Refuse settings that were typed and would change nothing.

    Raises:
        UsageError: for the first of them.
    """
    model = cfg.model._target_
    if has_own_model:
        if found := [key for key in typed if key.partition(".")[0] in unused]:
            raise UsageError(
                f"{found[0]} has no effect on {model}, which makes its own optimizer; leave it out, or give its "
                f"constructor an argument {found[0].partition('.')[0]}"
            )
        if cfg.compile is not False:
            raise UsageError(f"compile is for this project's models, got {model}; call torch.compile in it")
        if metrics := [key for key in typed if key.partition(".")[0] == "metrics"]:
            raise UsageError(f"{metrics[0]} has no effect on {model}, which logs its own metrics; leave it out")
    if has_own_data and cfg.model.get("threshold") == "auto":
        raise UsageError(
            f"model.threshold=auto is chosen on the validation rows of a table, got {cfg.data._target_}; set a number"
        )
    if (has_own_model or has_own_data) and cfg.figures == "epoch":
        own = model if has_own_model else cfg.data._target_
        raise UsageError(
            f"figures=epoch draws the answers of this project's models on its tables, got {own}; leave it out"
        )
