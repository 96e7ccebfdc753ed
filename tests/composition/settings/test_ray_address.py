"""What is said of a Ray cluster before anything starts."""

import socket
from pathlib import Path

import pytest
from tests.composition.command_lines import check_command_line

from perceptron.composition.settings import ray_address
from perceptron.composition.settings.ray_address import check_ray, uses_ray
from perceptron.errors import UsageError

TYPED = ["-m", "hydra/launcher=population", "seed=1,2"]


@pytest.mark.parametrize(
    ("cluster", "address", "used"),
    [(None, "head:6379", False), ("ray", "", True), ("auto", "head:6379", True), ("auto", "", False)],
)
def test_auto_asks_the_environment(
    cluster: str | None, address: str, used: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    assert uses_ray(cluster) == used


@pytest.mark.parametrize("cluster", ["ray", "auto"])
def test_a_cluster_names_the_extra_that_it_needs(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_address, "find_spec", lambda _: None)
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    with pytest.raises(UsageError, match=rf"hydra.launcher.cluster={cluster} needs the extra ray, got none; type pip"):
        check_command_line([*TYPED, f"hydra.launcher.cluster={cluster}"])
    check_command_line([*TYPED, "hydra.launcher.cluster=null"])


def test_a_client_of_a_cluster_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_address, "find_spec", lambda _: "ray")
    monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001")
    with pytest.raises(UsageError, match=r"^RAY_ADDRESS must be .*, got ray://head:10001; type"):
        check_ray("ray")


def test_something_must_listen(monkeypatch: pytest.MonkeyPatch, command, tmp_path: Path) -> None:
    monkeypatch.setattr(ray_address, "find_spec", lambda _: "ray")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("RAY_ADDRESS", address)
        check_ray("auto")
    with pytest.raises(UsageError, match=rf"^a Ray cluster must answer, got .* from {address}; set RAY_ADDRESS="):
        check_ray("auto")
    monkeypatch.undo()
    monkeypatch.setenv("RAY_ADDRESS", address)
    done = command("train.py", *TYPED, "hydra.launcher.cluster=auto")
    assert done.returncode == 2
    # Where the extra is missing, its line comes first.
    assert done.stderr.startswith(("error: a Ray cluster must answer, got", "error: hydra.launcher.cluster=auto needs"))
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
