"""Whether a population is trained on a Ray cluster, and whether the cluster can be reached. Imports nothing heavy."""

import os
import socket
from importlib.util import find_spec

from perceptron.errors import UsageError, missing_extra, reason

_ADDRESS = "RAY_ADDRESS"
_SECONDS_TO_ANSWER = 10.0


def ray_address() -> str | None:
    """The address of the cluster that the environment names; None for Ray on this machine alone."""
    return os.environ.get(_ADDRESS) or None


def uses_ray(cluster: str | None) -> bool:
    """Whether a population is trained on a Ray cluster.

    Args:
        cluster: ``hydra.launcher.cluster``.
    """
    return cluster == "ray" or (cluster == "auto" and ray_address() is not None)


def check_ray(cluster: str | None) -> None:
    """Check that Ray is installed, if it is used, and that something listens at the cluster's address.

    Ray itself would try for minutes.

    Args:
        cluster: ``hydra.launcher.cluster``.

    Raises:
        UsageError: if not.
    """
    if not uses_ray(cluster):
        return
    if find_spec("ray") is None:
        raise missing_extra(f"hydra.launcher.cluster={cluster} needs the extra ray", "ray")
    address = ray_address() or ""
    if "://" in address:
        raise UsageError(
            f"{_ADDRESS} must be the address of a cluster that this machine is a node of, such as <host>:6379, got "
            f"{address}; type `ray start --address=<host>:6379` here"
        )
    host, _, port = address.rpartition(":")
    # Ray finds the cluster of "auto" itself.
    if port.isdecimal():
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS_TO_ANSWER).close()
        except OSError as error:
            raise no_answer(error) from error


def no_answer(error: Exception) -> UsageError:
    """The error for a cluster that does not answer.

    Args:
        error: that says so.
    """
    found = f"{reason(error, lines=1)} from {ray_address() or 'this machine'}"
    return UsageError(
        f"a Ray cluster must answer, got {found}; set {_ADDRESS}=<host>:6379, or hydra.launcher.cluster=null"
    )
