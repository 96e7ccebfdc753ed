"""Runs' files as real ones leave them, with chosen numbers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

MakeRun = Callable[..., Path]


def writer_of_runs(parent: Path) -> MakeRun:
    """A function that writes a finished run's files into a folder of a name."""

    def make(
        name: str,
        *,
        metrics: dict[str, float | None],
        model: str = "logistic",
        data: str = "breast_cancer",
        lr: float = 0.05,
        seed: int = 0,
        split_seed: int = 0,
        folds: int | None = None,
        fold: int | None = None,
        path: str | None = None,
        directions: dict[str, str] | None = None,
        settings: dict[str, Any] | None = None,
    ) -> Path:
        folder = parent / name
        (folder / ".hydra").mkdir(parents=True)
        config: dict[str, Any] = {
            "seed": seed,
            "monitor": "val/loss",
            "mode": "min",
            "data": {
                "dataset": {"_target_": data} if path is None else {},
                "seed": seed,
                "split_seed": split_seed,
                "folds": folds,
                "fold": fold,
                "val_fraction": 0.15,
                "test_fraction": 0.2,
                "batch_size": 32,
                **(settings or {}),
            },
            "model": {"_target_": model},
            "optimizer": {"lr": lr},
            "paths": {"output_dir": str(folder)},
        }
        if path is not None:
            config["data"] |= {"path": path, "target": "y"}
        if model.startswith("sklearn"):
            config["model"]["estimator"] = {"_target_": model}
        (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        written = config | {"data": config["data"] | {"seed": "${seed}"}, "mode": "${direction_of:${monitor}}"}
        (folder / ".hydra" / "config.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
        (folder / ".hydra" / "overrides.yaml").write_text(
            yaml.safe_dump([f"model={model}", f"seed={seed}"]), encoding="utf-8"
        )
        chosen = {"data": data, "model": model, "optimizer": "sgd"}
        origin = {"chosen": chosen, "seconds": 1.5} | ({} if directions is None else {"directions": directions})
        (folder / "provenance.json").write_text(json.dumps(origin), encoding="utf-8")
        (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
        return folder

    return make
