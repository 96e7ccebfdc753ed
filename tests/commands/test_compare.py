from collections.abc import Callable
from pathlib import Path

RUN = ("model=logistic", "trainer.max_epochs=2", "logger=none", "figures=none")


def test_the_same_runs_give_the_same_files(perceptron, trained: Callable[..., Path], tmp_path: Path) -> None:
    run = trained(*RUN)
    for name in ("one", "two"):
        assert perceptron("compare", run, f"output={tmp_path / name}").status == 0
    one, two = ({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert set(one) == {"compare.csv", "compare.md", "compare.png", "compare.svg"}
    assert one == two
