import os
import signal
import time
from pathlib import Path

import pytest
import torch

from perceptron.training.processes import EndedError, can_fork, in_processes

pytestmark = pytest.mark.skipif(not can_fork(), reason="this machine forks no trainers")


def test_tasks_have_what_is_prepared_and_give_what_can_be_pickled() -> None:
    prepared = {"rows": torch.arange(5.0), "lambda": lambda value: value + 1}
    tasks = [lambda i=i: (i, prepared["lambda"](prepared["rows"][i].item()), os.getpid()) for i in range(5)]
    found = dict(in_processes(tasks, n_processes=2))
    assert {number: result[:2] for number, result in found.items()} == {i: (i, i + 1.0) for i in range(5)}
    pids = {result[2] for result in found.values()}
    assert len(pids) == 5
    assert os.getpid() not in pids


def test_as_many_at_a_time_as_are_wanted(tmp_path: Path) -> None:
    def work(number: int) -> int:
        (tmp_path / str(number)).touch()
        time.sleep(0.2)
        at_work = len(list(tmp_path.iterdir()))
        (tmp_path / str(number)).unlink()
        return at_work

    counts = [count for _, count in in_processes([lambda i=i: work(i) for i in range(5)], n_processes=2)]
    assert len(counts) == 5
    assert max(counts) == 2


def test_a_task_computes_with_one_thread() -> None:
    ((_, threads),) = in_processes([torch.get_num_threads], n_processes=1)
    assert threads == 1


def _ends_by(number: int) -> None:
    signal.raise_signal(number)
    time.sleep(60)


def _raises() -> None:
    raise ValueError("a bad row")


def test_what_ends_a_process_is_told_and_ends_no_other() -> None:
    tasks = [lambda: _ends_by(signal.SIGKILL), _raises, lambda: "well"]
    found = dict(in_processes(tasks, n_processes=3))
    assert found[2] == "well"
    assert isinstance(found[0], EndedError)
    assert str(found[0]) == "its process ended with -9"
    assert isinstance(found[1], EndedError)
    assert str(found[1]) == "ValueError: a bad row"


def test_an_interruption_ends_the_tasks(tmp_path: Path) -> None:
    def work() -> None:
        (tmp_path / str(os.getpid())).touch()
        time.sleep(60)

    def look() -> None:
        if len(list(tmp_path.iterdir())) == 2:
            raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(in_processes([work, work], n_processes=2, look=look))
    assert time.monotonic() - start < 30
    for path in tmp_path.iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.name), 0)


def test_ctrl_c_in_the_terminal_is_left_to_the_process_that_waits() -> None:
    def work() -> str:
        signal.raise_signal(signal.SIGINT)
        return "went on"

    ((_, result),) = in_processes([work], n_processes=1)
    assert result == "went on"
