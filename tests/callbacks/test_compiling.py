import json
from pathlib import Path

import pytest
import torch

from perceptron.callbacks.compiling import compile_callbacks
from perceptron.composition.stored.evaluating import evaluate_restored
from perceptron.composition.stored.restore import restore
from perceptron.composition.train import train
from perceptron.errors import UsageError

# Batches of one size, of which each would be compiled.
TYPED = "model=digits_mlp", "data.batch_size=389", "trainer.max_epochs=3", "figures=none", "logger=none"


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoints/last.ckpt", weights_only=True)["state_dict"]


def test_without_a_compiler_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UsageError, match=r"^compile needs a C\+\+ compiler, got no no-such-compiler; install it"):
        compile_callbacks(True, accelerator="cpu")
    assert compile_callbacks(False, accelerator="cpu") == []


def test_graphs_are_for_cuda() -> None:
    with pytest.raises(UsageError, match=r"^compile=reduce-overhead needs CUDA"):
        compile_callbacks("reduce-overhead", accelerator="cpu")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method:DeprecationWarning")
def test_compiled_steps_train_the_same_model_under_the_same_names(composed, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("eager", "compiled", "again")]
    for folder in folders:
        wanted = "false" if folder.name == "eager" else "true"
        train(*composed(*TYPED, "trainer=cpu", f"compile={wanted}", folder=folder.name))
    eager, compiled, again = (_weights(folder) for folder in folders)
    assert list(eager) == list(compiled)
    for name, value in eager.items():
        torch.testing.assert_close(compiled[name], value, rtol=1e-4, atol=1e-5)
        assert torch.equal(compiled[name], again[name])
    stored = json.loads((folders[1] / "metrics.json").read_text(encoding="utf-8"))
    assert evaluate_restored(restore(folders[1]), splits=["val", "test"]).items() <= stored.items()


@pytest.mark.gpu
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method:DeprecationWarning")
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("mode", ["true", "reduce-overhead"])
def test_compiled_steps_on_a_gpu(mode: str, composed, tmp_path: Path) -> None:
    for name, wanted in (("eager", "false"), ("compiled", mode)):
        train(*composed(*TYPED, "trainer=gpu", f"compile={wanted}", folder=name))
    eager, compiled = _weights(tmp_path / "eager"), _weights(tmp_path / "compiled")
    for name, value in eager.items():
        torch.testing.assert_close(compiled[name], value, rtol=1e-3, atol=1e-4)
