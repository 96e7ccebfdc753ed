"""Two sweeps of the same jobs, compared file by file."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from torch import Tensor

from perceptron.composition.population.eligibility import check_settings, group_key
from perceptron.composition.population.members import MemberBuilder
from perceptron.composition.population.multirun_jobs import ComposedJob
from perceptron.composition.population.run_folder import write_run
from perceptron.composition.population.share_fit import train_together
from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.composition.settings.plain import plain
from perceptron.composition.train import train
from perceptron.population import Member

CHOSEN = {"data": "wine", "model": "digits_mlp", "optimizer": "sgd", "scheduler": "none", "trainer": "default"}


def sweep(monkeypatch: pytest.MonkeyPatch, folder: Path, *overrides: str, status: int = 0) -> Path:
    """Run a multirun in this process; its folder."""
    from perceptron.composition.command_line import main

    before = set(folder.glob("train/multiruns/*"))
    monkeypatch.setattr(sys, "argv", ["train.py", "-m", "figures=none", *overrides, f"paths.log_dir={folder}"])
    try:
        main()
        ended = 0
    except SystemExit as error:
        ended = int(error.code or 0)
    assert ended == status
    (made,) = set(folder.glob("train/multiruns/*")) - before
    return made


def configurations(overrides: Sequence[str], variations: Sequence[dict[str, object]], folder: Path) -> list[DictConfig]:
    """Of jobs: composed once, then varied setting by setting; each has a folder of its own."""
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        base = compose(
            "train", overrides=["figures=none", *overrides, f"paths.output_dir={folder}", f"paths.log_dir={folder}"]
        )
    found = []
    for number, settings in enumerate(variations):
        cfg = base.copy()
        for key, value in settings.items():
            OmegaConf.update(cfg, key, value)
        own = folder / str(number)
        own.mkdir(parents=True)
        cfg.paths.output_dir = str(own)
        found.append(cfg)
    return found


def composed_pairs(jobs: Sequence[DictConfig]) -> list[tuple[ComposedJob, Member]]:
    """Jobs of configurations, with their members."""
    builder = MemberBuilder()
    found = []
    for number, cfg in enumerate(jobs):
        hydra = {"runtime": {"choices": CHOSEN}, "overrides": {"task": [f"figures={cfg.figures}"]}}
        found.append(ComposedJob(number, plain(cfg), {"hydra": hydra}))
    return [(job, builder.build(job.config, CHOSEN, draws_figures=job.draws_figures)) for job in found]


def train_side_by_side(jobs: Sequence[DictConfig]) -> list[Member]:
    """Train jobs in one group and write their folders; their members."""
    pairs = composed_pairs(jobs)
    for job, _ in pairs:
        check_settings(job.config)
    assert len({group_key(job.config) for job, _ in pairs}) == 1
    fit = train_together(pairs)
    assert fit is not None
    for job, member in pairs:
        write_run(job, member, fit)
    return [member for _, member in pairs]


def both(folder: Path, overrides: Sequence[str], variations: Sequence[dict[str, object]]) -> tuple[Path, Path]:
    """Folders of jobs that are trained alone, and of the same jobs side by side; the last value of a setting holds."""
    epochs = [] if any("max_epochs" in text for text in overrides) else ["trainer.max_epochs=3"]
    named = {text.partition("=")[0]: text for text in [*epochs, *overrides]}
    for cfg in configurations(list(named.values()), variations, folder / "alone"):
        train(cfg, CHOSEN, quiet=True)
    train_side_by_side(configurations(list(named.values()), variations, folder / "together"))
    return folder / "alone", folder / "together"


def jobs(folder: Path) -> list[Path]:
    found = [path for path in folder.iterdir() if path.name.isdigit()]
    return sorted(found, key=lambda path: int(path.name))


def assert_same_jobs(alone: Path, together: Path, *, weights: float = 1e-4, metrics: float = 1e-4) -> None:
    """Every metric within ``metrics``, every weight within ``weights`` of its tensor's largest."""
    pairs = list(zip(jobs(alone), jobs(together), strict=True))
    assert pairs
    for one, other in pairs:
        assert_same_files(one, other)
        assert_same_numbers(_read(one / "metrics.json"), _read(other / "metrics.json"), metrics)
        ends = [json.loads((run / "provenance.json").read_text(encoding="utf-8"))["training"] for run in (one, other)]
        assert ends[0] == ends[1]
        for path in (one / "checkpoints").glob("*.ckpt"):
            assert_same_checkpoints(
                torch.load(path, weights_only=True),
                torch.load(other / "checkpoints" / path.name, weights_only=True),
                weights,
            )
        assert_same_events(events(one), events(other), metrics)


def assert_same_files(one: Path, other: Path) -> None:
    def names(folder: Path) -> list[str]:
        found = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
        return sorted({"events" if "tfevents" in name else name for name in found})

    assert names(one) == names(other)


def assert_same_numbers(one: Mapping[str, float | None], other: Mapping[str, float | None], within: float) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        if value is None:
            assert other[name] is None, name
        else:
            assert other[name] == _near(value, within), name


def assert_same_checkpoints(one: Any, other: Any, within: float, path: str = "") -> None:
    """The same keys and plain values, and tensors within a share of their largest element."""
    if isinstance(one, Mapping):
        if path.endswith("best_k_models"):
            one, other = (dict(enumerate(values.values())) for values in (one, other))
        assert list(one) == list(other), path
        for key in one:
            if not (isinstance(key, str) and _is_place(key)) and key != "perceptron":
                assert_same_checkpoints(one[key], other[key], within, f"{path}/{key}")
    elif isinstance(one, Tensor):
        assert one.shape == other.shape, path
        assert one.dtype == other.dtype, path
        # Second moments are squares: twice the relative distance.
        # Also both infinite.
        if torch.equal(one, other):
            return
        largest = one.abs().max().item()
        assert (one - other).abs().max().item() <= 2 * within * largest + 1e-7, path
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), path
        for i, (value, its_twin) in enumerate(zip(one, other, strict=True)):
            assert_same_checkpoints(value, its_twin, within, f"{path}/{i}")
    elif isinstance(one, float):
        assert other == pytest.approx(one, rel=within, abs=1e-9), path
    else:
        assert one == other, path


def assert_same_events(
    one: list[tuple[int, str, float | None]], other: list[tuple[int, str, float | None]], within: float
) -> None:
    assert [event[:2] for event in one] == [event[:2] for event in other]
    for (step, tag, value), (_, _, twin) in zip(one, other, strict=True):
        assert twin == (value if value is None else _near(value, within)), (step, tag)


def events(folder: Path) -> list[tuple[int, str, float | None]]:
    """Step, tag and value of all TensorBoard events, in order."""

    def read() -> Iterator[tuple[int, str, float | None]]:
        for file in sorted((folder / "tensorboard").rglob("events*"), key=lambda path: int(path.suffix[1:])):
            for event in EventFileLoader(str(file)).Load():
                for value in event.summary.value:
                    numbers = value.tensor.float_val
                    yield event.step, value.tag, numbers[0] if numbers else None

    return list(read())


def _near(value: float, within: float) -> Any:
    """Within an absolute distance; where a number is above 1, as a loss in squared units, within that share of it."""
    return pytest.approx(value, abs=within * max(1.0, abs(value)), nan_ok=True)


def _read(path: Path) -> dict[str, float | None]:
    values: dict[str, float | None] = json.loads(path.read_text(encoding="utf-8"))
    return values


def _is_place(key: str) -> bool:
    return key in ("best_model_path", "dirpath", "kth_best_model_path", "last_model_path")
