from collections.abc import Callable
from pathlib import Path

import pytest

import perceptron


@pytest.fixture(scope="session")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A sweep with these settings, made once in the session; its folder must not be changed."""
    made: dict[tuple[str, ...], Path] = {}

    def run(*settings: str) -> Path:
        if settings not in made:
            folder = tmp_path_factory.mktemp("swept") / "sweep"
            common = ["data=iris", "model=softmax", "figures=none", "trainer.max_epochs=3", f"hydra.sweep.dir={folder}"]
            perceptron.sweep([*common, *settings])
            made[settings] = folder
        return made[settings]

    return run
