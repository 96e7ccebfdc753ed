import pytest

from perceptron.runs.training_end import training_end, training_end_text


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"epochs": 51, "max_epochs": 100, "stopped_early": True, "kept_epoch": 30},
         "stopped early after 51 epochs, kept epoch 30"),
        ({"epochs": 100, "max_epochs": 100, "stopped_early": True, "kept_epoch": 98},
         "stopped early after 100 epochs, kept epoch 98"),
        # The last tenth is epochs 90 to 99.
        ({"epochs": 100, "max_epochs": 100, "stopped_early": False, "kept_epoch": 90},
         "stopped at its 100 epochs, still improving: trainer.max_epochs=200 trains on"),
        ({"epochs": 100, "max_epochs": 100, "stopped_early": False, "kept_epoch": 89},
         "stopped at its 100 epochs, kept epoch 89"),
        ({"epochs": 1, "max_epochs": 1, "stopped_early": False, "kept_epoch": 0},
         "stopped at its 1 epoch, still improving: trainer.max_epochs=2 trains on"),
        ({"epochs": 100, "max_epochs": 100, "stopped_early": False, "kept_epoch": None}, "stopped at its 100 epochs"),
        ({"epochs": 7, "max_epochs": -1, "stopped_early": False, "kept_epoch": 6},
         "stopped after 7 epochs, kept epoch 6"),
    ],
)  # fmt: skip
def test_how_a_training_ended_is_one_line(settings: dict[str, int | None], line: str) -> None:
    assert training_end_text(training_end(**settings)) == line  # type: ignore[arg-type]
