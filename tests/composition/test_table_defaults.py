from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from perceptron.composition.command_flags import read_command_line

ROOT = Path(__file__).parent.parent.parent
TABLE = ("data=table", f"data.path={ROOT / 'tests/data/own.csv'}", "data.target=spends")


@pytest.mark.parametrize(
    ("typed", "added"),
    [
        (["data=table"], ["experiment=table"]),
        (["data=table", "model=auto"], ["experiment=table"]),
        (["data=table", "optimizer=sgd", "debug=limit"], ["experiment=table"]),
        (["data=table", "model=tabm"], []),
        (["data=table", "model=auto", "experiment=tabm"], []),
        (["data=arrays"], ["model=auto"]),
        (["data=iris", "model=softmax"], []),
        (["data=openml", "model=auto"], []),
        ([], []),
    ],
)
def test_your_own_table_has_defaults_of_its_own(typed: list[str], added: list[str]) -> None:
    assert read_command_line(typed).overrides == [*typed, *added]


def test_what_is_typed_wins(composed) -> None:
    cfg, chosen = composed(*TABLE, "experiment=table")
    assert (cfg.optimizer._target_, cfg.optimizer.lr, cfg.trainer.max_epochs) == ("torch.optim.AdamW", 0.003, 500)
    assert chosen["model"] == "auto"
    cfg, chosen = composed(*TABLE, "optimizer=sgd", "trainer.max_epochs=7", "experiment=table")
    # With the rate of the optimizer that is typed: 0.003 is far too low for SGD.
    assert (chosen["optimizer"], cfg.optimizer.lr, cfg.trainer.max_epochs) == ("sgd", 0.05, 7)
    cfg, _ = composed(*TABLE, "debug=limit", "experiment=table")
    assert cfg.trainer.max_epochs == 3


def test_other_data_keep_the_defaults_of_teaching(composed) -> None:
    cfg, chosen = composed()
    assert (chosen["optimizer"], cfg.optimizer.lr, cfg.trainer.max_epochs, cfg.data.batch_size) == (
        "sgd",
        0.05,
        100,
        32,
    )


def test_the_settings_are_stored_said_and_used_again(perceptron, trained: Callable[..., Path], tmp_path: Path) -> None:
    run = trained(*TABLE, "trainer.max_epochs=2", "logger=none", "figures=none")
    config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    assert config["optimizer"] == {
        "_target_": "torch.optim.AdamW", "_partial_": True, "lr": 0.003, "weight_decay": 0.01, "betas": [0.9, 0.999],
        "eps": 1e-8,
    }  # fmt: skip
    assert config["trainer"]["max_epochs"] == 2
    assert (
        "experiment=table sets the defaults for your own table, and what is typed beside it wins: "
        "optimizer=adamw_table, rate 0.003, scheduler=none, batches of 32 rows, at most 2 epochs"
    ) in (run / "train.log").read_text(encoding="utf-8")
    assert perceptron("evaluate", f"run={run}", f"output={tmp_path / 'metrics.json'}").status == 0
    assert (tmp_path / "metrics.json").read_text(encoding="utf-8") == (run / "metrics.json").read_text(encoding="utf-8")
