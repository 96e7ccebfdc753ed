import pytest

from perceptron.runs.ending import ending, in_words


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"epochs": 51, "max_epochs": 100, "stopped_early": True, "kept_epoch": 30},
         "stopped early at epoch 51, kept epoch 30"),
        ({"epochs": 100, "max_epochs": 100, "stopped_early": True, "kept_epoch": 98},
         "stopped early at epoch 100, kept epoch 98"),
        # The last tenth is epochs 91 to 100.
        ({"epochs": 100, "max_epochs": 100, "stopped_early": False, "kept_epoch": 91},
         "stopped at its 100 epochs, still improving: trainer.max_epochs=200 trains on"),
        ({"epochs": 100, "max_epochs": 100, "stopped_early": False, "kept_epoch": 90},
         "stopped at its 100 epochs, kept epoch 90"),
        ({"epochs": 1, "max_epochs": 1, "stopped_early": False, "kept_epoch": 1},
         "stopped at its 1 epoch, still improving: trainer.max_epochs=2 trains on"),
        ({"epochs": 100, "max_epochs": 100, "stopped_early": False, "kept_epoch": None}, "stopped at its 100 epochs"),
        ({"epochs": 7, "max_epochs": -1, "stopped_early": False, "kept_epoch": 7},
         "stopped after 7 epochs, kept epoch 7"),
    ],
)  # fmt: skip
def test_how_a_training_ended_is_one_line(settings: dict[str, int | None], line: str) -> None:
    assert in_words(ending(**settings)) == line  # type: ignore[arg-type]
