"""Jobs on a table with columns of any kind, each encoded by its own training rows."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.utils import Bunch
from tests.data.mixed_table import mixed
from tests.population.comparing import assert_same_jobs, both, composed_pairs, configurations, jobs

from perceptron.population.stacking import alike
from perceptron.runs.checkpoints.checkpoint_file import read_checkpoint

SMALL = ["data=table", "data.target=churned", "model=auto", "model.network.hidden=[8]", "data.folds=4", "data.fold=0"]
CASES: dict[str, tuple[list[str], list[dict[str, object]]]] = {
    "sgd": ([], [{"optimizer.lr": 0.02}, {"optimizer.lr": 0.1}]),
    "adamw": (["optimizer=adamw"], [{"optimizer.lr": 0.002}, {"optimizer.lr": 0.01}]),
    "clipped": (["optimizer=adamw"], [{"trainer.gradient_clip_val": limit} for limit in (0.1, 1.0)]),
    "embeddings": (["model.network.categories=embedding"], [{"optimizer.lr": 0.1}]),
    "dropout": (
        ["model.network.categories=embedding", "model.network.dropout=0.1"],
        [{"model.network.dropout": rate} for rate in (0.1, 0.3)],
    ),
    "tabm": (
        [
            "model=tabm",
            "model.network.width=6",
            "model.network.blocks=2",
            "model.network.members=3",
            "optimizer=adamw",
        ],
        [{"optimizer.lr": 0.002}],
    ),
    "tabm_bins": (
        [
            "model=tabm",
            "model.network.width=6",
            "model.network.blocks=1",
            "model.network.members=3",
            "model.network.embeddings=piecewise_linear",
        ],
        [{"optimizer.lr": 0.05}],
    ),
    "threshold": (["model.threshold=auto"], [{"data.class_weights": how} for how in ("balanced", "none")]),
    "regression": (["data.target=age"], [{"optimizer.lr": 0.02}]),
    # Groups are never on two sides of a split.
    "roles": (["data.weight=w", "data.group=street", "data.exclude=[opened]"], [{"optimizer.lr": 0.1}]),
    "split_seeds": (["data.folds=null", "data.fold=null"], [{"data.split_seed": seed} for seed in (0, 1, 2)]),
}


def with_rare_categories(folder: Path, n: int) -> str:
    """The setting of a file of the mixed table, with a column most of whose categories are rare."""
    frame = mixed(n, seed=0)
    random = np.random.default_rng(1)
    frame.insert(1, "street", [f"s{number}" for number in random.zipf(1.5, n).clip(max=n)])
    frame["w"] = random.random(n).round(2)
    frame["opened"] = frame.joined.dt.strftime("%Y-%m-%d").where(random.random(n) < 0.9)
    path = folder / "churn.csv"
    frame.dropna(subset="age").to_csv(path, index=False)
    return f"data.path={path}"


def assert_same_encodings(alone: Path, together: Path) -> set[int]:
    """The same features, to the bit; the different numbers of them."""
    widths = set()
    for one, other in zip(jobs(alone), jobs(together), strict=True):
        reports = [json.loads((run / "data_report.json").read_text(encoding="utf-8")) for run in (one, other)]
        assert reports[0] == reports[1]
        checkpoints = [read_checkpoint(run / "checkpoints/best.ckpt") for run in (one, other)]
        schemas = [checkpoint["perceptron"]["schema"] for checkpoint in checkpoints]
        assert schemas[0]["encoding"]
        assert schemas[0] == schemas[1]
        for name in ("standardize.mean", "standardize.scale"):
            assert torch.equal(*(checkpoint["state_dict"][name] for checkpoint in checkpoints))
        widths.add(len(schemas[0]["feature_names"]))
    return widths


@pytest.mark.filterwarnings("ignore:The least populated class")
@pytest.mark.parametrize("case", CASES)
def test_members_equal_the_jobs_alone(tmp_path: Path, case: str) -> None:
    overrides, others = CASES[case]
    folds = [{"data.fold": fold} for fold in (0, 1)] if case != "split_seeds" else [{}]
    variations = [{"seed": seed} | fold | other for seed, fold, other in itertools.product((0, 1), folds, others)]
    settings = [*SMALL, with_rare_categories(tmp_path, 240), *overrides]
    named = [text for text in settings if not text.startswith("model.network.hidden") or "tabm" not in case]
    alone, together = both(tmp_path, named, variations)
    assert_same_jobs(alone, together)
    widths = assert_same_encodings(alone, together)
    assert len(widths) > 1 or case == "roles"


def test_arrays_in_files(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(120, 4)).astype(np.float32)
    np.save(tmp_path / "features.npy", features)
    np.save(tmp_path / "target.npy", (features[:, 0] > 0).astype(np.int64))
    settings = ["data=arrays", f"data.features={tmp_path / 'features.npy'}", f"data.target={tmp_path / 'target.npy'}"]
    variations: list[dict[str, object]] = [{"seed": seed, "data.split_seed": seed} for seed in (0, 1)]
    assert_same_jobs(*both(tmp_path, [*settings, "model=binary_mlp"], variations))


def bunch_of_texts(n_samples: int) -> Bunch:
    """What a function of ``sklearn.datasets`` returns with ``as_frame``."""
    frame = mixed(n_samples).drop(columns=["joined"])
    return Bunch(data=frame.drop(columns="churned"), target=frame.churned)


def test_text_columns_of_a_function(tmp_path: Path) -> None:
    settings = ["data=moons", f"data.dataset._target_={__name__}.bunch_of_texts", "~data.dataset.noise"]
    settings += ["data.dataset.n_samples=200", "~data.dataset.random_state", "model=binary_mlp"]
    variations: list[dict[str, object]] = [{"seed": seed, "data.split_seed": seed} for seed in (0, 1)]
    alone, together = both(tmp_path, settings, variations)
    assert_same_jobs(alone, together)
    assert_same_encodings(alone, together)


# Without ReLU, for the reason in test_equality.py.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The least populated class")
@pytest.mark.parametrize("case", ["sgd", "clipped", "embeddings"])
def test_32_jobs_equal_the_jobs_alone(tmp_path: Path, case: str) -> None:
    overrides, _ = CASES[case]
    slow, fast = (0.002, 0.01) if case == "clipped" else (0.02, 0.1)
    rates: list[dict[str, object]] = [{"optimizer.lr": slow}, {"optimizer.lr": fast}]
    limit: dict[str, object] = {"trainer.gradient_clip_val": 0.5} if case == "clipped" else {}
    variations = [
        {"seed": seed, "data.fold": fold} | rate | limit
        for seed, fold, rate in itertools.product(range(4), range(4), rates)
    ]
    settings = [
        *SMALL,
        with_rare_categories(tmp_path, 2000),
        "model.network.hidden=[100]",
        "model.network.activation=silu",
    ]
    alone, together = both(tmp_path, [*settings, *overrides], variations)
    assert_same_jobs(alone, together)
    assert len(assert_same_encodings(alone, together)) > 1


def test_a_member_predicts_and_exports_as_the_job_alone(tmp_path: Path, perceptron: Callable[..., Any]) -> None:
    runtime = pytest.importorskip("onnxruntime")
    rows = mixed(50, seed=3)
    rows.drop(columns="churned").to_csv(tmp_path / "rows.csv", index=False)
    settings = ["data.exclude=[street,opened,w]", "data.split_seed=0", "data.folds=null", "data.fold=null"]
    variations: list[dict[str, object]] = [{"seed": 0, "data.split_seed": split_seed} for split_seed in (0, 1)]
    inputs = {
        "joined": (rows.joined - pd.Timestamp(0)).dt.total_seconds().to_numpy(),
        "member": rows.member.to_numpy(dtype=np.float32),
        "city": rows.city.fillna("").to_numpy(dtype=object),
        "age": rows.age.to_numpy(dtype=np.float64),
    }
    answers, exported = [], []
    for folder in both(tmp_path, [*SMALL, with_rare_categories(tmp_path, 240), *settings], variations):
        for run in jobs(folder):
            answer = tmp_path / f"{folder.name}{run.name}.csv"
            done = perceptron("predict", f"run={run}", f"input={tmp_path / 'rows.csv'}", f"output={answer}")
            assert done.status == 0, done.err
            answers.append(pd.read_csv(answer))
            done = perceptron("export", f"run={run}", "format=onnx", f"output={run / 'model.onnx'}")
            assert done.status == 0, done.err
            session = runtime.InferenceSession(str(run / "model.onnx"))
            exported.append(session.run(["probabilities"], inputs)[0])
    for one, other in ((0, 2), (1, 3)):
        pd.testing.assert_frame_equal(answers[one], answers[other], rtol=1e-4)
        np.testing.assert_allclose(exported[other], exported[one], atol=1e-4)


def one_gap_each() -> pd.DataFrame:
    """Two numbers with a gap in different rows, and a category between them."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"x": random.normal(size=40), "c": random.choice(["a", "b"], 40), "y": random.normal(size=40)})
    frame.loc[3, "x"] = frame.loc[7, "y"] = np.nan
    frame["answer"] = random.choice(["yes", "no"], 40)
    return frame


@pytest.mark.parametrize(("categories", "n_stacks"), [("one_hot", 1), ("embedding", 2)])
def test_a_stack_has_its_categories_at_the_same_features(tmp_path: Path, categories: str, n_stacks: int) -> None:
    one_gap_each().to_csv(tmp_path / "rows.csv", index=False)
    settings = ["data=table", f"data.path={tmp_path / 'rows.csv'}", "data.target=answer", "model=auto"]
    seeds: list[dict[str, object]] = [{"data.split_seed": seed} for seed in range(12)]
    found = configurations([*settings, f"model.network.categories={categories}"], seeds, tmp_path)
    members = [member for _, member in composed_pairs(found)]
    # Those of which one of the two gaps alone is in a training row.
    names = [member.datamodule.schema.feature_names for member in members]
    chosen = [
        member for member, own in zip(members, names, strict=True) if ("x=missing" in own) != ("y=missing" in own)
    ]
    assert len({member.datamodule.schema.feature_names for member in chosen}) == 2
    assert len({member.datamodule.schema.n_features for member in chosen}) == 1
    assert len(alike(chosen)) == n_stacks


@pytest.mark.parametrize(("categories", "n_stacks"), [("one_hot", 1), ("embedding", 2)])
def test_networks_of_fewer_features_are_padded(tmp_path: Path, categories: str, n_stacks: int) -> None:
    settings = [*SMALL, with_rare_categories(tmp_path, 240), f"model.network.categories={categories}"]
    folds: list[dict[str, object]] = [{"data.fold": fold} for fold in range(3)]
    members = [member for _, member in composed_pairs(configurations(settings, folds, tmp_path))]
    assert len({member.datamodule.schema.n_features for member in members}) == 2
    assert len(alike(members)) == n_stacks
