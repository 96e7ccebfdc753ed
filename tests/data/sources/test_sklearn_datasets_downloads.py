"""scikit-learn's own downloads, from a server of the test's own, and without one."""

import hashlib
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import sklearn.datasets
from tests.data import downloads

from perceptron.data import TableDataModule
from perceptron.data.sources import sklearn_datasets
from perceptron.errors import UsageError

ARCHIVES: dict[str, tuple[str, str, Callable[[], bytes], tuple[str, int]]] = {
    "fetch_california_housing": ("_california_housing", "ARCHIVE", downloads.california_archive, ("regression", 8)),
    "fetch_covtype": ("_covtype", "ARCHIVE", downloads.covtype_archive, ("multiclass", 54)),
    "fetch_kddcup99": ("_kddcup99", "ARCHIVE_10_PERCENT", downloads.kddcup_archive, ("multiclass", 40)),
}


@pytest.fixture
def served() -> Iterator[tuple[str, dict[str, bytes]]]:
    """Address of a server, and what it has by path; everything else is not found."""
    contents: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = contents.get(self.path)
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", contents
    server.shutdown()
    thread.join()
    server.server_close()


def _point_at(monkeypatch: pytest.MonkeyPatch, name: str, url: str, content: bytes) -> None:
    """Let a loader of scikit-learn ask another address for its archive, and expect this content."""
    module, archive, _, _ = ARCHIVES[name]
    module = import_module(f"sklearn.datasets.{module}")
    remote = getattr(module, archive)._replace(url=url, checksum=hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(module, archive, remote)


def _module(name: str, home: Path, **arguments: Any) -> TableDataModule:
    function = getattr(sklearn.datasets, name)
    as_frame = {"as_frame": True} if name == "fetch_kddcup99" else {}
    return TableDataModule(dataset=partial(function, data_home=str(home), **as_frame, **arguments))


def _refusal(name: str, home: Path, **arguments: Any) -> str:
    with pytest.raises(UsageError) as caught:
        _module(name, home, **arguments).setup()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ARCHIVES)
def test_it_is_downloaded_once(name: str, served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    address, contents = served
    make, (task, n_columns) = ARCHIVES[name][2:]
    contents["/archive"] = make()
    _point_at(monkeypatch, name, f"{address}/archive", contents["/archive"])
    data = _module(name, tmp_path)
    assert data.schema.task == task
    if name == "fetch_kddcup99":
        assert {"protocol_type=tcp", "protocol_type=udp", "count"} < set(data.schema.feature_names)
        assert data.schema.class_names == ("neptune.", "normal.", "smurf.")
    else:
        assert data.schema.n_features == n_columns
    contents.clear()
    again = _module(name, tmp_path)
    assert (again.table.features == data.table.features).all()


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_server_without_it(name: str, served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    address, _ = served
    _point_at(monkeypatch, name, f"{address}/gone", b"")
    assert _refusal(name, tmp_path) == (
        f"{name} needs the network or what an earlier download left in {tmp_path}, got: 404 Not Found from "
        f"{address}/gone; connect, or let SCIKIT_LEARN_DATA name a folder that has it"
    )


def test_another_content_than_scikit_learn_knows(served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    address, contents = served
    contents["/archive"] = b"something else"
    _point_at(monkeypatch, "fetch_california_housing", f"{address}/archive", b"what it was")
    with pytest.raises(OSError, match="SHA256 checksum"):
        _module("fetch_california_housing", tmp_path).setup()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ARCHIVES)
def test_no_network_is_said_at_once(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        _point_at(monkeypatch, name, f"http://127.0.0.1:{unused.getsockname()[1]}/archive", b"")
        started = time.monotonic()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            message = _refusal(name, tmp_path)
    assert "Connection refused" in message
    assert time.monotonic() - started < 2


def test_a_server_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sklearn_datasets, "SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/archive"
        _point_at(monkeypatch, "fetch_california_housing", address, b"")
        assert "timed out" in _refusal("fetch_california_housing", tmp_path)
    assert socket.getdefaulttimeout() is None


def test_further_tries_are_the_users_to_set(served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    address, _ = served
    _point_at(monkeypatch, "fetch_covtype", f"{address}/gone", b"")
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    _refusal("fetch_covtype", tmp_path, n_retries=3, delay=7.0)
    assert slept == [7.0, 7.0, 7.0]


def test_what_takes_a_while_is_announced_by_one_line(caplog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(sklearn_datasets, "_ANNOUNCED_AFTER", 0.05)
    monkeypatch.setattr(sklearn_datasets, "SECONDS", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        _point_at(monkeypatch, "fetch_covtype", f"http://127.0.0.1:{silent.getsockname()[1]}/archive", b"")
        _refusal("fetch_covtype", tmp_path)
    assert caplog.messages == [f"fetch_covtype is being read, or downloaded into {tmp_path}"]
