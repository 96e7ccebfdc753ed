"""Files from somebody else: refused, and nothing of them run."""

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tests.conftest import Perceptron

COMMANDS = ("evaluate", "predict", "export", "resume")


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.canary,))


def _arguments(command: str, run: Path, tmp_path: Path) -> list[str]:
    (tmp_path / "rows.csv").write_text("1,2\n", encoding="utf-8")
    own = {"predict": [f"input={tmp_path / 'rows.csv'}", f"output={tmp_path / 'out.csv'}"]}
    return [command, f"run={run}", *own.get(command, [])]


@pytest.fixture
def run(trained: Callable[..., Path], tmp_path: Path) -> Path:
    """A copy of an unfinished run that may be tampered with."""
    source = trained("model=softmax", "data=wine", "trainer.max_epochs=2", "logger=none")
    folder = tmp_path / "run"
    shutil.copytree(source, folder)
    (folder / "metrics.json").unlink()
    return folder


def test_the_payload_works(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    pickle.loads(pickle.dumps(Payload(canary)))  # noqa: S301
    assert canary.exists()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("place", ["itself", "state_dict", "perceptron", "callbacks"])
def test_a_pickle_payload_is_not_run(
    perceptron: Perceptron, run: Path, tmp_path: Path, command: str, place: str
) -> None:
    canary = tmp_path / "canary"
    for path in (run / "checkpoints").glob("*.ckpt"):
        contents = torch.load(path, weights_only=True)
        if place == "itself":
            torch.save(Payload(canary), path)
        else:
            contents[place]["extra"] = Payload(canary)
            torch.save(contents, path)
    answer = perceptron(*_arguments(command, run, tmp_path))
    assert answer.status == 2
    assert "nothing of it was run" in answer.err
    assert answer.err.count("\n") == 1
    assert not canary.exists()


EVIL: dict[str, Callable[[dict[str, Any], Path], None]] = {
    "os.system": lambda c, canary: c["data"].update(
        dataset={"_target_": "os.system", "command": f"touch {canary}", "_partial_": True}
    ),
    "pathlib.Path.touch": lambda c, canary: c["model"].update(
        network={"_target_": "pathlib.Path.touch", "_args_": [{"_target_": "pathlib.Path", "_args_": [str(canary)]}]}
    ),
    "nested partial": lambda c, canary: c["optimizer"].update(
        momentum={
            "_target_": "functools.partial",
            "_args_": [{"_target_": "builtins.open", "file": str(canary), "mode": "w", "_partial_": True}],
        }
    ),
    "builtins": lambda c, canary: c["callbacks"].update(
        evil={"_target_": "builtins.open", "file": str(canary), "mode": "w"}
    ),
    "an alias of os.system": lambda c, canary: c["logger"].update(
        evil={"_target_": "posix.system", "_args_": [f"touch {canary}"]}
    ),
    "through what is allowed": lambda c, canary: c["scheduler"].update(
        {"_target_": "torch.optim.sgd.torch.serialization.open", "file": str(canary)}
    ),
    "an interpolation": lambda c, canary: c.update(tags=[f"${{oc.env:HOME}}{canary}"]),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("where", ["config.yaml", "checkpoint"])
def test_a_configuration_that_names_code_is_refused(
    perceptron: Perceptron, run: Path, tmp_path: Path, command: str, evil: str, where: str
) -> None:
    canary = tmp_path / "canary"
    target = run
    if where == "config.yaml":
        config = yaml.safe_load((run / where).read_text(encoding="utf-8"))
        EVIL[evil](config, canary)
        (run / where).write_text(yaml.safe_dump(config), encoding="utf-8")
    elif command == "resume":
        pytest.skip("resume reads the configuration of the folder alone")
    else:
        target = run / "checkpoints" / "best.ckpt"
        contents = torch.load(target, weights_only=True)
        EVIL[evil](contents["perceptron"]["config"], canary)
        torch.save(contents, target)
    answer = perceptron(*_arguments(command, target, tmp_path))
    assert answer.status == 2, answer.err
    assert answer.err.startswith("error: a stored configuration must")
    assert answer.err.count("\n") == 1
    assert not canary.exists()
    assert not (tmp_path / "out.csv").exists()


def test_a_python_object_in_yaml_is_refused(perceptron: Perceptron, run: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    (run / "config.yaml").write_text(f"a: !!python/object/apply:os.system ['touch {canary}']\n", encoding="utf-8")
    answer = perceptron("evaluate", f"run={run}")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert not canary.exists()
