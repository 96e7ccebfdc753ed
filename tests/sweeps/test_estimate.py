import pytest

from perceptron.sweeps.estimate import Measured, duration, size


def test_a_longer_training_takes_more_epochs_and_the_rest_once() -> None:
    measured = Measured(epoch_seconds=0.5, n_epochs=3, other_seconds=2.0, job_bytes=None)
    assert measured.seconds(100) == 52.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0213, "0.021 s"), (12.4, "12 s"), (89, "89 s"), (600, "10 min"), (7200, "2.0 h"), (172_800, "2.0 days")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("n_bytes", "text"), [(12, "12 B"), (2048, "2 KiB"), (1.5 * 2**20, "1.5 MiB"), (3 * 2**40, "3 TiB")]
)
def test_sizes(n_bytes: float, text: str) -> None:
    assert size(n_bytes) == text
