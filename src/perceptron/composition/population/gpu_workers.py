"""A process for each GPU of this machine, where it has several."""

import multiprocessing
import os
from collections.abc import Collection, Mapping
from multiprocessing.connection import Connection, wait
from typing import Any

import torch

from perceptron.composition.population.gpu_process import serve
from perceptron.composition.population.groups import Group
from perceptron.composition.population.members import MemberBuilder
from perceptron.composition.population.ray_reports import Progress
from perceptron.composition.population.share_task import SentShare, TaskResult
from perceptron.composition.population.share_tasks import TaskError
from perceptron.terminal.signals import END_OF_TASK

_SECONDS_BETWEEN_LOOKS = 0.1
# Longer than a step takes, or the writing of a file.
_SECONDS_TO_END = 5.0
_VISIBLE = "CUDA_VISIBLE_DEVICES"


def gpus() -> list[str]:
    """The GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    count = torch.cuda.device_count()
    names = os.environ.get(_VISIBLE, "").split(",")
    return names[:count] if names != [""] else [str(number) for number in range(count)]


def may_use_gpus(group: Group) -> bool:
    """Whether the jobs of a group ask for a GPU, or take the best device there is."""
    return group.first.config["trainer"]["accelerator"] in ("auto", "gpu", "cuda")


class GpuWorkers:
    """Each process trains one share at a time. One that is lost is replaced, and its jobs run alone.

    Args:
        names: of the GPUs.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = list(names)
        # GPUs without a process, and processes without a task.
        self._unused = list(names)
        self._free: list[_Worker] = []
        self._reports: dict[int, Progress] = {}
        self._builder: Any = None

    def n_tasks(self, group: Group) -> int:  # noqa: ARG002
        """As many shares train at the same time as there are GPUs."""
        return len(self._names)

    def most_members(self, group: Group) -> int:
        """Members of a share: those that do not fit on its GPU at the same time, a task trains in turn."""
        return len(group.numbers)

    def room(self) -> int:
        """How many tasks may be submitted and not yet ended."""
        return len(self._names)

    def start(self, builder: MemberBuilder, *, with_reports: bool) -> None:  # noqa: ARG002
        """Keep what the processes are sent when they start."""
        self._builder = builder

    def submit(self, share: SentShare, group: Group) -> Any:  # noqa: ARG002
        """Send a share of a group to a GPU that is free; the process that trains it."""
        worker = self._free.pop() if self._free else _Worker(self._unused.pop(0), self._builder)
        worker.submit(share)
        return worker

    def wait(self, tasks: Collection[Any]) -> list[Any]:
        """Wait a moment; the tasks that have ended."""
        by_connection = {worker.connection: worker for worker in tasks}
        ready = wait(list(by_connection), timeout=_SECONDS_BETWEEN_LOOKS)
        return [by_connection[each] for each in ready if by_connection[each].has_ended(self._reports)]

    def reports(self) -> Mapping[int, Progress]:
        """What tasks have reported since the last call."""
        reports, self._reports = self._reports, {}
        return reports

    def result(self, task: Any) -> TaskResult:
        """The result of a task that has ended.

        Raises:
            TaskError: if it raised an exception, or its process has ended.
        """
        answer = task.answer
        if answer is None:
            task.end()
            self._unused.append(task.gpu)
            raise TaskError(f"its process ended with {task.process.exitcode}")
        self._free.append(task)
        if isinstance(answer, str):
            raise TaskError(answer)
        result: TaskResult = answer
        return result

    def stop(self, tasks: Collection[Any]) -> None:
        """End all processes; those that train remove the files that they have partly written."""
        for worker in (*tasks, *self._free):
            if worker.process.is_alive():
                os.kill(worker.process.pid or 0, END_OF_TASK)
        for worker in (*tasks, *self._free):
            worker.end()
        self._free, self._unused = [], list(self._names)


class _Worker:
    """A process and its GPU.

    Attributes:
        gpu: its name.
        connection: to the process.
        answer: a ``TaskResult``, or the text of an error; None before, and if the process has ended.
    """

    def __init__(self, gpu: str, builder: MemberBuilder) -> None:
        # The driver of a GPU does not survive a fork.
        context = multiprocessing.get_context("spawn")
        self.gpu = gpu
        self.answer: TaskResult | str | None = None
        self.connection: Connection
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, gpu), daemon=True)
        self.process.start()
        theirs.close()
        self.connection.send(builder)

    def submit(self, share: SentShare) -> None:
        self.answer = None
        self.connection.send(share)

    def has_ended(self, reports: dict[int, Progress]) -> bool:
        """Whether its task has ended, after what it has sent is received; reports are added to ``reports``."""
        try:
            received = self.connection.recv()
        except (EOFError, OSError):
            return True
        if isinstance(received, tuple):
            number, progress = received
            reports[number] = progress
            return False
        self.answer = received
        return True

    def end(self) -> None:
        self.connection.close()
        self.process.join(_SECONDS_TO_END)
        self.process.kill()
        self.process.join()
