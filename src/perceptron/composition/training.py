"""The spine: one run from its configuration to its report."""

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightning as L
import yaml
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import ModelCheckpoint
from omegaconf import DictConfig

from perceptron.callbacks import History
from perceptron.composition.build import build_data, build_model, build_trainer, plain
from perceptron.composition.figures import draw_figures, figure_callbacks
from perceptron.composition.logs import tame_lightning
from perceptron.composition.threads import set_threads
from perceptron.data import TableDataModule
from perceptron.errors import UsageError
from perceptron.models import TaskModule
from perceptron.runs.checkpoint import SelfContained, load_weights
from perceptron.runs.faults import named_faults
from perceptron.runs.files import remove_leftovers, write_json, write_text
from perceptron.runs.folder import Run, checkpoint_path
from perceptron.runs.interruption import Interruption
from perceptron.runs.lock import only_process
from perceptron.runs.provenance import provenance
from perceptron.runs.report import log_results, print_results
from perceptron.runs.resume import ExactResume, resume_point
from perceptron.tasks import SplitName


def train(cfg: DictConfig, chosen: Mapping[str, str], *, quiet: bool = False, goes_on: bool = False) -> float | None:
    """Train, evaluate the best checkpoint, and leave the results in ``cfg.paths.output_dir``.

    Args:
        cfg: a checked configuration.
        chosen: option of each of Hydra's groups, such as ``{"model": "logistic"}``.
        quiet: whether to leave the terminal to others.
        goes_on: whether the folder is that of the run that goes on, and not a new one.

    Returns:
        The best value of ``cfg.monitor``, for a sweeper; None where nothing was trained.

    Raises:
        UsageError: where model, data and machine do not go together, the loss diverges or the disk is full.
        InterruptedRunError: after a signal, the state saved.
    """
    folder = Path(cfg.paths.output_dir)
    steep = " or ".join(
        [f"optimizer.lr={cfg.optimizer.lr}"]
        + (["set data.standardize=per_feature"] if cfg.data.standardize == "none" else [])
        + (["set trainer.gradient_clip_val=1"] if cfg.trainer.gradient_clip_val is None else [])
    )
    with only_process(folder), named_faults(folder, settings=steep), Interruption(folder) as interruption:
        if goes_on:
            # No result stands for a run that is under way again.
            remove_leftovers(folder)
            (folder / "metrics.json").unlink(missing_ok=True)
        return _train(cfg, chosen, interruption, quiet=quiet)


def _train(cfg: DictConfig, chosen: Mapping[str, str], interruption: Interruption, *, quiet: bool) -> float | None:
    started, clock = datetime.now(UTC), time.perf_counter()
    tame_lightning()
    folder = Path(cfg.paths.output_dir)
    config = plain(cfg)
    from_checkpoint = _start(cfg)

    L.seed_everything(cfg.seed, workers=True, verbose=False)
    datamodule = build_data(cfg.data)
    model = build_model(
        cfg,
        schema=datamodule.schema,
        features_scaling=datamodule.features_scaling,
        target_scaling=datamodule.target_scaling,
        chosen=chosen,
    )
    set_threads(cfg.trainer.num_threads, model, rows_per_step=cfg.data.batch_size or len(datamodule.split.train))
    history = History()
    own_callbacks = [
        SelfContained(config=config, schema=datamodule.schema),
        ExactResume(folder),
        interruption,
        *figure_callbacks(cfg.figures, history),
    ]
    trainer = build_trainer(cfg, own_callbacks, quiet=quiet)
    if trainer.is_global_zero:
        write_text(folder / "config.yaml", yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
        if datamodule.report is not None:
            _log_report(folder, datamodule.report)

    best_value = None
    best_checkpoint = from_checkpoint
    if cfg.train:
        _fit(trainer, model, datamodule, from_checkpoint)
        best_checkpoint, best_value = _best(trainer, cfg.monitor)
    if best_checkpoint:
        load_weights(model, best_checkpoint)
    metrics = evaluate(trainer, model, datamodule) if cfg.test else {}

    if trainer.is_global_zero:
        if cfg.figures != "none":
            keeps_best = cfg.train and best_checkpoint is not None
            draw_figures(cfg, trainer, model, datamodule, history=history, keeps_best=keeps_best)
        log_results(
            trainer.loggers,
            hyper_parameters=hyper_parameters(config, chosen),
            metrics=metrics,
            step=trainer.global_step,
        )
        write_results(
            folder,
            metrics=metrics,
            config=config,
            chosen=chosen,
            best=best_entry(folder, config, best_checkpoint, best_value),
            device=str(trainer.strategy.root_device),
            started=started,
            seconds=time.perf_counter() - clock,
        )
        title = f"{chosen.get('model', 'model')} on {chosen.get('data', 'data')}, {trainer.current_epoch} epochs"
        if not quiet:
            print_results(metrics, title=title, folder=folder, notes=notes(datamodule))
    return best_value


def _fit(trainer: L.Trainer, model: TaskModule, datamodule: TableDataModule, ckpt_path: str | None) -> None:
    try:
        trainer.fit(model, datamodule=datamodule, ckpt_path=ckpt_path, weights_only=True)
    except (MisconfigurationException, ValueError) as error:
        # Lightning compares some settings with the number of batches only now, one of them with a ValueError.
        if isinstance(error, MisconfigurationException) or "val_check_interval" in str(error):
            raise UsageError(f"trainer must suit the data: {' '.join(str(error).split())}") from error
        raise


def evaluate(
    trainer: L.Trainer,
    model: TaskModule,
    datamodule: TableDataModule,
    *,
    splits: Sequence[SplitName] = ("train", "val", "test"),
) -> dict[str, float]:
    """Loss and metrics of the model on each split that has rows, under names like ``test/acc``."""
    metrics: dict[str, float] = {}
    for split in splits:
        if len(datamodule.split.rows(split)):
            model.evaluated = split
            trainer.test(model, dataloaders=datamodule.eval_dataloader(split), verbose=False)
            metrics |= model.results
    return metrics


def write_results(
    folder: Path,
    *,
    metrics: Mapping[str, float],
    config: Mapping[str, Any],
    chosen: Mapping[str, str],
    best: Mapping[str, Any] | None,
    device: str,
    started: datetime,
    seconds: float,
) -> None:
    """Write ``provenance.json`` and, last, ``metrics.json``, whose presence says that the run is finished."""
    origin = provenance(
        seed=config["seed"],
        split_seed=config["data"]["split_seed"],
        chosen=_of_groups(chosen),
        device=device,
        started=started.isoformat(timespec="seconds"),
        seconds=seconds,
    )
    write_json(folder / "provenance.json", origin | {"best": best})
    write_json(folder / "metrics.json", metrics)


def hyper_parameters(config: Mapping[str, Any], chosen: Mapping[str, str]) -> dict[str, bool | int | float | str]:
    """Settings under flat names, typed for a dashboard; those that are not set are left out.

    Args:
        config: plain configuration.
        chosen: option of each group, which stands under the group's name.
    """
    flat: dict[str, bool | int | float | str] = {"seed": config["seed"]}
    for group in ("data", "model", "optimizer", "scheduler", "trainer"):
        if group in chosen:
            flat[group] = chosen[group]
        flat |= _flat(config[group], group)
    return flat


def _flat(value: Any, name: str) -> dict[str, bool | int | float | str]:
    if isinstance(value, Mapping):
        parts = (_flat(item, f"{name}.{key}") for key, item in value.items() if not str(key).startswith("_"))
        return {key: item for part in parts for key, item in part.items()}
    if value is None:
        return {}
    return {name: value if isinstance(value, bool | int | float | str) else str(value)}


def _of_groups(chosen: Mapping[str, str]) -> dict[str, str]:
    """The project's own groups, without Hydra's."""
    return {group: option for group, option in chosen.items() if "/" not in group and option is not None}


def _log_report(folder: Path, report: Mapping[str, Any]) -> None:
    """Write ``data_report.json``; log the task that was found, and what stands out."""
    write_json(folder / "data_report.json", report)
    log = logging.getLogger(__name__)
    log.info("task: %s, as the target has it; data.task sets another", report["target"]["task"])
    for warning in report["warnings"]:
        log.warning("%s", warning)


def _best(trainer: L.Trainer, monitor: str) -> tuple[str | None, float | None]:
    """Path of the best checkpoint and its monitored value; without checkpoints the last value."""
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ModelCheckpoint) and callback.best_model_score is not None:
            return callback.best_model_path, callback.best_model_score.item()
    last = trainer.callback_metrics.get(monitor)
    return None, None if last is None else last.item()


def best_entry(
    folder: Path, config: Mapping[str, Any], checkpoint: str | None, value: float | None
) -> dict[str, Any] | None:
    """The best value of the monitored metric, and the path of its checkpoint from the run's folder; None without."""
    if value is None:
        return None
    path = None
    if checkpoint is not None and Path(checkpoint).is_relative_to(folder.absolute()):
        path = str(Path(checkpoint).relative_to(folder.absolute()))
    return {"monitor": config["monitor"], "mode": config["mode"], "value": value, "checkpoint": path}


def _start(cfg: DictConfig) -> str | None:
    """The checkpoint that ``ckpt_path`` names, which may be a run's folder."""
    if cfg.ckpt_path is None:
        return None
    path = Path(cfg.ckpt_path)
    if not path.is_dir():
        return str(path)
    run = Run(path)
    found = resume_point(run) if cfg.train else checkpoint_path(run, "best")
    if found is None:
        raise UsageError(f"ckpt_path must be a run with a checkpoint to go on from, got {path}; leave ckpt_path out")
    return str(found)


def notes(datamodule: TableDataModule) -> list[str]:
    """What a report says of the rows."""
    split = datamodule.split
    rows = f"rows        {len(split.train)} train, {len(split.val)} validation, {len(split.test)} test"
    if len(split.test) == 0:
        return [
            rows,
            "            no held-out test rows: these numbers do not say how the model does on new rows",
        ]
    return [rows]
