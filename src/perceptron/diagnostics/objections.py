"""Objections to a run: each with why it matters and what to type instead. Imports nothing heavy."""

import math
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perceptron.diagnostics.evidence import Evidence
from perceptron.invocation import training_command

_FEW_ROWS = 30
# A rarest class of a tenth of its fair share or less; data_report warns at the same.
_UNBALANCED = 0.2
# Above its lowest value, so that the noise of an epoch is no objection.
_OVERFITTED = 1.1
# Shares of the batches as floats, numbers of batches as integers: 1.0 is all, and 1 is one.
_LIMITS = ("limit_train_batches", "limit_val_batches", "limit_test_batches")
# Off where they are 0.
_DEBUGGING = ("overfit_batches", "fast_dev_run")


@dataclass(frozen=True)
class Objection:
    """An objection to a run.

    Attributes:
        name: a few words, such as ``no test rows``; the same for every run.
        why: the reason, in a line.
        fix: what to type, or to do.
    """

    name: str
    why: str
    fix: str


def objections(evidence: Evidence) -> list[Objection]:
    """All objections to a run, the most serious first; empty for a careful one."""
    return [found for rule in _RULES for found in rule(evidence)]


def _no_test_rows(run: Evidence) -> Iterator[Objection]:
    if not any(name.startswith("test/") for name in run.metrics):
        yield Objection(
            "no test rows",
            "the model was scored only on rows that it was trained on or chosen by, which says nothing about new rows",
            _train(run, "data.test_fraction=0.2", "test=true"),
        )


def _chosen_on_test(run: Evidence) -> Iterator[Objection]:
    names = [name for name in _monitors(run.config) if name.startswith("test/")]
    if names:
        yield Objection(
            "chosen on test rows",
            f"{names[0]} picked the weights or the end of the training, so that the test metrics flatter",
            _train(run, "monitor=val/loss"),
        )


def _standardised_before(run: Evidence) -> Iterator[Objection]:
    if run.data is not None and run.data.is_standardised and run.data.rows["test"]:
        yield Objection(
            "standardised with test rows",
            "every column has mean 0 and deviation 1 over all rows: the test rows were standardised with the others",
            "give the table as it was measured; the columns are standardised here on the training rows alone",
        )


def _leaks(run: Evidence) -> Iterator[Objection]:
    for leak in run.report.get("suspected_leaks", ()):
        column = leak["column"]
        yield Objection(
            "leak",
            f"column {column} alone tells the target; if it is not known when a prediction is made, it is a leak",
            _train(run, f"data.exclude=[{column}]"),
        )
    shared = run.report.get("rows_shared_with_training", {}).get("test", 0)
    if shared:
        rows = "1 test row has" if shared == 1 else f"{shared} test rows have"
        yield Objection(
            "test rows seen in training",
            f"{rows} the same features as a training row, so that their metrics flatter",
            "delete the repeated rows, or keep those that belong together on one side with data.group=<column>",
        )


def _limited(run: Evidence) -> Iterator[Objection]:
    trainer = run.config.get("trainer") or {}
    limits = [name for name in _LIMITS if not (trainer.get(name) is None or _is_all(trainer[name]))]
    limits += [name for name in _DEBUGGING if trainer.get(name)]
    if limits:
        yield Objection(
            "trained or scored on some batches",
            f"trainer.{limits[0]}={trainer[limits[0]]} leaves out batches, as in debugging",
            _train(run, without=("debug", *(f"trainer.{name}" for name in limits))),
        )


def _chosen_on_training(run: Evidence) -> Iterator[Objection]:
    monitor = str(run.config.get("monitor"))
    if run.training and monitor.startswith("train/"):
        yield Objection(
            "chosen on training rows",
            f"{monitor} picked the weights and the last epoch, and falls even if the model only memorises",
            _train(run, "data.val_fraction=0.15", "monitor=val/loss"),
        )


def _overfitted(run: Evidence) -> Iterator[Objection]:
    losses = run.curves.get("val/loss", {})
    chosen_by = str((run.provenance.get("best") or {}).get("monitor") or "")
    kept = run.training.get("kept_epoch")
    reported = max(losses, default=-1) if kept is None else int(kept)
    if reported not in losses or (kept is not None and chosen_by.startswith("val/")):
        return
    lowest = min(losses, key=lambda epoch: losses[epoch])
    if losses[reported] > _OVERFITTED * losses[lowest]:
        yield Objection(
            "overfitted",
            f"val/loss was lowest in epoch {lowest} with {losses[lowest]:.4g}, and the reported weights of epoch "
            f"{reported} have {losses[reported]:.4g}",
            _train(run, "monitor=val/loss", without=("callbacks", "callbacks.checkpoint", "callbacks.early_stopping")),
        )


def _still_improving(run: Evidence) -> Iterator[Objection]:
    if run.training.get("still_improving"):
        epochs = int(run.training["epochs"])
        yield Objection(
            "still improving",
            f"the best value came in the last of its {epochs} epochs, so that a longer training would be better",
            _train(run, f"trainer.max_epochs={2 * epochs}"),
        )


def _few_test_rows(run: Evidence) -> Iterator[Objection]:
    n_rows = 0 if run.data is None else run.data.rows["test"]
    is_fold_among_others = bool((run.config.get("data") or {}).get("folds")) and run.n_draws > 1
    if 0 < n_rows < _FEW_ROWS and not is_fold_among_others:
        yield Objection(
            "few test rows",
            f"over {n_rows} rows an accuracy near 0.5 has a 95 % interval of ± {1.96 * math.sqrt(0.25 / n_rows):.2f}",
            _train(run, "-m", "data.folds=10", "data.fold=range(10)"),
        )


def _accuracy_of_unbalanced(run: Evidence) -> Iterator[Objection]:
    shares: Sequence[float] = () if run.data is None else run.data.class_shares
    monitor = str(run.config.get("monitor"))
    if shares and min(shares) * len(shares) < _UNBALANCED and monitor.endswith("/acc"):
        yield Objection(
            "accuracy of an unbalanced target",
            f"always naming the largest class has an accuracy of {max(shares):.2f}, and {monitor} picked the weights",
            _train(run, "monitor=val/balanced_acc"),
        )


def _no_better_than_guessing(run: Evidence) -> Iterator[Objection]:
    r2, balanced = run.metrics.get("test/r2"), run.metrics.get("test/balanced_acc")
    if r2 is not None and r2 <= 0:
        said = f"test/r2 is {r2:.3f}: naming the mean of the target is as good"
    elif balanced is not None and run.data is not None and run.data.rows["test"]:
        n_classes, n_rows = len(run.data.class_shares), run.data.rows["test"]
        chance = 1 / n_classes
        if balanced > chance + 2 * math.sqrt(chance * (1 - chance) / n_rows):
            return
        said = f"test/balanced_acc is {balanced:.3f}, and guessing has {chance:.3f} in the mean"
    else:
        return
    yield Objection("no better than guessing", said, _train(run, "model=sklearn_dummy", without=("model.",)))


def _one_seed(run: Evidence) -> Iterator[Objection]:
    if run.n_draws < 2:
        yield Objection(
            "one seed only",
            "no other run beside it has its settings and another seed or split, so that chance is not known",
            _train(run, "-m", "seed=range(10)", "data.split_seed=${seed}", without=("data.fold", "data.folds")),
        )


_RULES: tuple[Callable[[Evidence], Iterator[Objection]], ...] = (
    _no_test_rows, _chosen_on_test, _standardised_before, _leaks, _limited, _chosen_on_training, _overfitted,
    _still_improving, _few_test_rows, _accuracy_of_unbalanced, _no_better_than_guessing, _one_seed,
)  # fmt: skip


def _monitors(config: Mapping[str, Any]) -> list[str]:
    parts = [config, *(config.get("callbacks") or {}).values(), config.get("scheduler")]
    return [str(part["monitor"]) for part in parts if isinstance(part, Mapping) and part.get("monitor")]


def _train(run: Evidence, *settings: str, without: Sequence[str] = ()) -> str:
    """The run's own command line with other settings, ready to type."""
    replaced = {text.partition("=")[0] for text in settings} | set(without)
    own = [text for text in run.overrides if not _is_of(text.lstrip("+~").partition("=")[0], replaced)]
    flags = [text for text in settings if text.startswith("-")]
    return shlex.join([*training_command().split(), *flags, *own, *(text for text in settings if text not in flags)])


def _is_all(share: Any) -> bool:
    return isinstance(share, float) and share == 1.0


def _is_of(key: str, names: "set[str]") -> bool:
    return key in names or any(key.startswith(name) for name in names if name.endswith("."))
