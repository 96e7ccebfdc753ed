"""The workers of a Ray cluster. ``connect`` must have been called before."""

import logging
import os
import sys
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from perceptron.composition.population.groups import GOOD_SHARE, Group
from perceptron.composition.population.members import MemberBuilder
from perceptron.composition.population.ray_reports import Progress, ProgressReports
from perceptron.composition.population.share_task import SentShare, TaskResult, train_share
from perceptron.composition.population.share_tasks import TaskError
from perceptron.composition.settings.ray_address import ray_address
from perceptron.errors import UsageError, reason
from perceptron.sweeps.failures import named_jobs

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_BETWEEN_REPORTS = 1.0
_SECONDS_TO_END = 5.0
# Tasks that wait for a core, so that no core waits for one to be composed; an autoscaler adds nodes for them.
_AHEAD = 16
# Of a task whose process or node is lost.
_RETRIES = 3


class RayWorkers:
    """Ray runs each task on one core or on one GPU, and again on another where its process or node is lost."""

    def __init__(self) -> None:
        self._task = ray.remote(_train)
        self._builder: Any = None
        self._actor: Any = None
        self._answer: Any = None
        self._looked = 0.0
        self._n_nodes = 0

    def n_tasks(self, group: Group) -> int:
        """How many shares of a group train at the same time: the cluster's GPUs or cores, at least one.

        Raises:
            UsageError: if the jobs ask for a GPU, and the cluster is this machine, which has none.
        """
        kind = "GPU" if _on_gpu(group) else "CPU"
        found = _resources(kind)
        if found < 1:
            if kind == "GPU" and ray_address() is None:
                accelerator = group.first.config["trainer"]["accelerator"]
                raise UsageError(
                    f"trainer.accelerator={accelerator} needs a GPU of the Ray cluster, got none; set "
                    "trainer.accelerator=cpu, or RAY_ADDRESS to a cluster that has one"
                )
            log.warning("the Ray cluster has no %s; waiting for a node that has one", kind)
        return max(1, found)

    def most_members(self, group: Group) -> int:
        """Members of a share: those that do not fit on its GPU at the same time, a task trains in turn."""
        return len(group.numbers) if _on_gpu(group) else GOOD_SHARE

    def room(self) -> int:
        """How many tasks may be submitted and not yet ended."""
        return _resources("CPU") + _resources("GPU") + _AHEAD

    def start(self, builder: MemberBuilder, *, with_reports: bool) -> None:
        """Put the tables into the object store, once for all tasks."""
        self._builder = ray.put(builder)
        self._actor = ray.remote(num_cpus=0)(ProgressReports).remote() if with_reports else None

    def submit(self, share: SentShare, group: Group) -> Any:
        """Submit a share of a group; the reference to its result."""
        task = self._task.options(
            num_cpus=1,
            num_gpus=1 if _on_gpu(group) else 0,
            max_retries=_RETRIES,
            name=named_jobs([job.number for job in share.jobs]),
            runtime_env={"env_vars": {"PYTHONPATH": _module_path()}},
        )
        return task.remote(share, self._builder, self._actor)

    def wait(self, tasks: Collection[Any]) -> list[Any]:
        """Wait a moment; the tasks that have ended."""
        ended: list[Any] = ray.wait(list(tasks), timeout=_SECONDS_BETWEEN_LOOKS)[0] if tasks else []
        return ended

    def reports(self) -> Mapping[int, Progress]:
        """What tasks have reported since the last call, asked for once a second; lost nodes are logged."""
        if time.monotonic() - self._looked > _SECONDS_BETWEEN_REPORTS:
            self._looked = time.monotonic()
            self._log_lost_nodes()
            if self._actor is not None and self._answer is None:
                self._answer = self._actor.taken.remote()
        if self._answer is None or not ray.wait([self._answer], timeout=0)[0]:
            return {}
        answer, self._answer = self._answer, None
        try:
            taken: dict[int, Progress] = ray.get(answer)
        except RayError:
            # Its node is lost: from now on the bar moves with the shares that end.
            self._actor = None
            return {}
        return taken

    def result(self, task: Any) -> TaskResult:
        """The result of a task that has ended.

        Raises:
            TaskError: if it raised an exception, or was lost too often.
        """
        try:
            result: TaskResult = ray.get(task)
        except RayError as error:
            cause = error.cause if isinstance(error, RayTaskError) else error
            raise TaskError(f"{type(cause).__name__}: {reason(cause, lines=1)}") from error
        return result

    def stop(self, tasks: Collection[Any]) -> None:
        """Cancel the tasks that still run; those that do not end in time are killed."""
        left = list(tasks)
        with suppress(RayError):
            for task in left:
                ray.cancel(task)
            if left:
                _, left = ray.wait(left, num_returns=len(left), timeout=_SECONDS_TO_END, fetch_local=False)
            for task in left:
                ray.cancel(task, force=True)
        self._builder = self._actor = self._answer = None

    def _log_lost_nodes(self) -> None:
        n_nodes = sum(node["Alive"] for node in ray.nodes())  # type: ignore[no-untyped-call]
        if n_nodes < self._n_nodes:
            lost = self._n_nodes - n_nodes
            log.warning("nodes of the Ray cluster: %d lost, %d left; what they trained is trained again", lost, n_nodes)
        self._n_nodes = n_nodes


def _train(share: SentShare, builder: MemberBuilder, reports: Any) -> TaskResult:
    return train_share(share, builder, None if reports is None else reports.report.remote)


def _on_gpu(group: Group) -> bool:
    """Whether the tasks of a group ask for a GPU: where its jobs do, or take the best device there is."""
    accelerator = group.first.config["trainer"]["accelerator"]
    return accelerator in ("gpu", "cuda") or (accelerator == "auto" and _resources("GPU") > 0)


def _resources(kind: str) -> int:
    return int(ray.cluster_resources().get(kind, 0))  # type: ignore[no-untyped-call]


def _module_path() -> str:
    """Where a task finds modules of the user's own; those of the environment it finds in its own environment."""
    own = [folder for folder in sys.path if folder and not folder.startswith((sys.prefix, sys.base_prefix))]
    return os.pathsep.join(own)
