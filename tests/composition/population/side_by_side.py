"""Which trainer flags, optimizers and callbacks train side by side, each tried; written into docs/population.md by

python -W ignore -m tests.composition.population.side_by_side
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
import torch
from hydra import compose, initialize_config_dir
from torch import nn

from perceptron.composition.population.eligibility import check_settings
from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.composition.settings.plain import plain
from perceptron.composition.settings.schema.trainer_schema import TrainerConf
from perceptron.population import CannotStackError, check_callback, check_optimizer

DOCUMENT = Path(__file__).parents[3] / "docs" / "population.md"
START, END = "<!-- side by side: written by tests -->", "<!-- end of side by side -->"
# Another value than the default.
FLAGS: Mapping[str, Any] = {
    "accelerator": "cpu", "devices": 2, "num_nodes": 2, "strategy": "ddp", "precision": "64-true", "max_epochs": 3,
    "min_epochs": 2, "max_steps": 9, "min_steps": 2, "max_time": "00:00:00:09", "limit_train_batches": 2,
    "limit_val_batches": 2, "limit_test_batches": 2, "limit_predict_batches": 2, "overfit_batches": 2,
    "val_check_interval": 0.5, "check_val_every_n_epoch": 2, "num_sanity_val_steps": 2, "log_every_n_steps": 2,
    "fast_dev_run": True, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": True,
    "accumulate_grad_batches": 2, "gradient_clip_val": 1.0, "gradient_clip_algorithm": "value", "deterministic": True,
    "benchmark": True, "inference_mode": False, "use_distributed_sampler": True, "profiler": "simple",
    "detect_anomaly": True, "barebones": True, "plugins": [], "sync_batchnorm": True,
    "reload_dataloaders_every_n_epochs": 1, "default_root_dir": "logs", "enable_autolog_hparams": False,
    "model_registry": "models", "num_threads": 2,
}  # fmt: skip
_PLACE = {"dirpath": "checkpoints", "filename": "best", "monitor": "val/loss", "enable_version_counter": False}
CALLBACKS: Mapping[str, Any] = {
    "lightning.pytorch.callbacks.EarlyStopping": {"monitor": "val/loss"},
    "lightning.pytorch.callbacks.ModelCheckpoint": _PLACE,
    "perceptron.callbacks.PruneHopeless": {},
    "perceptron.callbacks.EpochProgress": {},
    "perceptron.callbacks.DescentFigure": {},
    "perceptron.runs.checkpoints.LastCheckpoint": {},
}


def flags() -> Iterator[tuple[str, str]]:
    """Each trainer flag, and why another value than its default runs alone; empty if it trains side by side."""
    config = _config()
    for field in fields(TrainerConf):
        if field.name != "_target_":
            trainer = config["trainer"] | {field.name: FLAGS[field.name]}
            yield (
                field.name,
                _reason(
                    lambda trainer=trainer: check_settings(config | {"trainer": trainer}),
                    f"it has trainer.{field.name}={FLAGS[field.name]}: ",
                ),
            )


def figures() -> Iterator[tuple[str, str]]:
    """Each value of ``figures``, and why it runs alone; empty if it trains side by side."""
    config = _config()
    for when in ("end", "none", "epoch"):
        check = partial(check_settings, {**config, "figures": when})
        yield when, _reason(check, f"it has figures={when}: ")


def optimizers() -> Iterator[tuple[str, str]]:
    """Each optimizer of ``torch.optim``, and why it runs alone; empty if it trains side by side."""
    for name in sorted(dir(torch.optim)):
        kind = getattr(torch.optim, name)
        if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer) and kind is not torch.optim.Optimizer:
            made = kind([nn.Parameter(torch.ones(2, 2))])  # type: ignore[call-arg]
            yield name, _reason(lambda made=made: check_optimizer(made), f"{name} ")


def callbacks() -> Iterator[tuple[str, str]]:
    """Each callback of Lightning and of this project, and why it runs alone; empty if it trains side by side."""
    names = [f"lightning.pytorch.callbacks.{name}" for name in L.pytorch.callbacks.__all__]
    for name in dict.fromkeys([*CALLBACKS, *names]):
        settings = {"_target_": name, **CALLBACKS.get(name, {})}
        yield (
            name.rpartition(".")[2],
            _reason(
                lambda settings=settings: check_callback(settings),
                f"it has the callback {name}: ",
            ),
        )


def _config() -> dict[str, Any]:
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        overrides = ["model=digits_mlp", "paths.output_dir=/tmp", "paths.log_dir=/tmp"]
        config: dict[str, Any] = plain(compose("train", overrides=overrides))
    return config


def _reason(check: Callable[[], None], start: str) -> str:
    """Why a check refuses, without the start of the sentence, which names what is refused; empty if it does not."""
    try:
        check()
    except CannotStackError as error:
        return str(error).removeprefix(start) or str(error)
    return ""


def table() -> str:
    """The table for the documentation, in Markdown: a row for what trains side by side, and one for each reason."""
    lines = ["| | | because |", "| --- | --- | --- |"]
    for title, found in (
        ("trainer flags", flags()),
        ("optimizers", optimizers()),
        ("callbacks", callbacks()),
        ("`figures=`", figures()),
    ):
        by_reason: dict[str, list[str]] = {"": []}
        for name, reason in found:
            by_reason.setdefault(reason, []).append(f"`{name}`")
        for reason, names in by_reason.items():
            side = "alone" if reason else "side by side"
            lines.append(f"| {title}, {side} | {', '.join(names)} | {reason} |")
    return "\n".join(lines)


def main() -> None:
    """Write the table between its marks."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(START)
    after = rest.partition(END)[2]
    DOCUMENT.write_text(f"{before}{START}\n\n{table()}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
