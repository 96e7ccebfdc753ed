"""``sweep.best`` of somebody else's sweep: its best setting is read as data, and its folder is no place to search."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.conftest import Perceptron

from perceptron.composition.sweeps.best_setting import with_best
from perceptron.errors import UsageError

SHORT = ("trainer.max_epochs=1", "logger=none", "figures=none")


def best_of(sweep: Path, *options: Any, **values: Any) -> Path:
    (sweep / "experiment").mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump({"defaults": [*options, "_self_"], **values}, sort_keys=False)
    (sweep / "experiment" / "best.yaml").write_text(f"# @package _global_\n{text}", encoding="utf-8")
    return sweep


def test_a_sweeps_best_setting_is_run_again(perceptron: Perceptron, tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    answer = perceptron(
        "train", "-m", *SHORT, "data=wine", "model=softmax", "optimizer.lr=0.001,0.1", "callbacks.last.every_seconds=5",
        f"hydra.sweep.dir={sweep}",
    )  # fmt: skip
    assert answer.status == 0, answer.err
    assert f"best setting  perceptron train sweep.best={sweep}" in answer.out
    run = tmp_path / "run"
    again = perceptron("train", f"sweep.best={sweep}", f"hydra.run.dir={run}", "seed=1", "optimizer=adam")
    assert again.status == 0, again.err
    config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    assert (config["optimizer"]["lr"], config["trainer"]["max_epochs"]) == (0.1, 1)
    assert config["optimizer"]["_target_"] == "torch.optim.Adam"
    assert config["model"]["_target_"] == "perceptron.models.MulticlassClassifier"
    assert config["callbacks"]["last"]["every_seconds"] == 5


def test_all_kinds_of_values_come_back(tmp_path: Path) -> None:
    sweep = best_of(
        tmp_path,
        "tabm",
        {"override /model": "digits_mlp"},
        {"override /logger": ["csv", "tensorboard"]},
        tags=["it's", "a, b"],
        monitor=None,
        model={"network": {"hidden": [4, 8], "dropout": 1e-05}},
        trainer={"deterministic": True},
    )
    assert with_best(["-m", f"sweep.best={sweep}", "seed=1,2"]) == [
        "experiment='tabm'",
        "model='digits_mlp'",
        "logger=['csv','tensorboard']",
        "++tags=['it\\'s','a, b']",
        "++monitor=null",
        "++model.network.hidden=[4,8]",
        "++model.network.dropout=1e-05",
        "++trainer.deterministic=True",
        "-m",
        "seed=1,2",
    ]


def test_what_is_typed_comes_before_what_is_stored(tmp_path: Path) -> None:
    sweep = best_of(tmp_path, {"override /model": "softmax"}, optimizer={"lr": 0.5})
    assert with_best([f"sweep.best={sweep}", "model=digits_mlp", "optimizer.lr=1"]) == [
        "model=digits_mlp",
        "optimizer.lr=1",
    ]


EVIL: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "a function": ((), {"callbacks": {"x": {"_target_": "torch.utils.collect_env.run", "command": "touch {marker}"}}}),
    "a pickle": ((), {"data": {"dataset": {"_target_": "joblib.load", "filename": "{marker}"}}}),
    "an interpolation": ((), {"callbacks": {"x": "${oc.create:{_target_: torch.utils.collect_env.run}}"}}),
    "Hydra's callbacks": ((), {"hydra": {"callbacks": {"x": {"_target_": "torch.utils.collect_env.run"}}}}),
    "Hydra's folders": ((), {"hydra": {"searchpath": ["file://{marker}"]}}),
    "a folder": ((), {"callbacks": {"last": {"dirpath": "{marker}"}}}),
    "a download": (({"override /data": "openml"},), {}),
    "an option elsewhere": (({"override /model": "../../../../{marker}"},), {}),
    "Hydra's logging": (({"override /hydra/job_logging": "/{marker}"},), {}),
}


@pytest.mark.parametrize("evil", EVIL)
def test_what_could_do_more_than_train_is_refused(perceptron: Perceptron, tmp_path: Path, evil: str) -> None:
    options, values = EVIL[evil]
    sweep = best_of(tmp_path / "sweep", *options, **values)
    file, marker = sweep / "experiment" / "best.yaml", tmp_path / "marker"
    file.write_text(file.read_text(encoding="utf-8").replace("{marker}", str(marker)), encoding="utf-8")
    answer = perceptron("train", f"sweep.best={sweep}", *SHORT, f"hydra.run.dir={tmp_path / 'run'}")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert answer.err.startswith(("error: a stored command line must not", "error: a stored configuration must"))
    assert not marker.exists()
    assert not (tmp_path / "run").exists()


def test_other_files_of_the_folder_are_not_searched(perceptron: Perceptron, tmp_path: Path) -> None:
    sweep, marker = best_of(tmp_path / "sweep", {"override /model": "softmax"}), tmp_path / "marker"
    evil = {"callbacks": {"x": {"_target_": "torch.utils.collect_env.run", "command": f"touch {marker}"}}}
    for name in ("local/default.yaml", "model/softmax.yaml", "train.yaml"):
        (sweep / name).parent.mkdir(exist_ok=True)
        (sweep / name).write_text("# @package _global_\n" + yaml.safe_dump(evil), encoding="utf-8")
    run = tmp_path / "run"
    answer = perceptron("train", f"sweep.best={sweep}", "data=wine", *SHORT, f"hydra.run.dir={run}")
    assert answer.status == 0, answer.err
    assert not marker.exists()
    assert "x" not in yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))["callbacks"]


@pytest.mark.parametrize("damaged", [b"", b"[1]", b"\xff\xfe", b"defaults: 3", b"a: 1", b"defaults: [{a: 1, b: 2}]"])
def test_a_damaged_file_is_refused(tmp_path: Path, damaged: bytes) -> None:
    best_of(tmp_path)
    (tmp_path / "experiment" / "best.yaml").write_bytes(damaged)
    with pytest.raises(UsageError, match=r"sweep.best must be the folder of a sweep that has a best setting"):
        with_best([f"sweep.best={tmp_path}"])


def test_the_user_may_admit_more(tmp_path: Path) -> None:
    sweep = best_of(tmp_path, model={"network": {"_target_": "my.Wide"}})
    with pytest.raises(UsageError, match=r"type 'trust=\[my.Wide\]'"):
        with_best([f"sweep.best={sweep}"])
    assert with_best([f"sweep.best={sweep}", "trust=[my.Wide]"]) == ["++model.network._target_='my.Wide'"]


@pytest.mark.parametrize(("values", "key"), [
    ({"paths": {"output_dir": "/mine"}}, "paths.output_dir"),
    ({"paths": {"log_dir": "/mine"}}, "paths.log_dir"),
    ({"paths.log_dir": "/mine"}, "paths.log_dir"),
])  # fmt: skip
def test_it_does_not_say_where_the_run_lies(tmp_path: Path, values: dict[str, Any], key: str) -> None:
    sweep = best_of(tmp_path, **values)
    with pytest.raises(UsageError, match=rf"must not say where a run writes, got {key}='/mine' in .*'trust=\[{key}\]'"):
        with_best([f"sweep.best={sweep}"])
    assert with_best([f"sweep.best={sweep}", f"trust=[{key}]"]) == [f"++{key}='/mine'"]
