"""The connection of this process to a Ray cluster. Imports nothing heavy."""

import logging
import os
import signal
import socket
import threading

from perceptron.errors import UsageError, reason

_ADDRESS = "RAY_ADDRESS"
# Ray binds to the network's address where several machines may form a cluster, which this variable says.
_SEVERAL_MACHINES = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
_SECONDS_TO_ANSWER = 10.0


def connect() -> None:
    """Connect to the cluster that ``RAY_ADDRESS`` names; start Ray on this machine, for it alone, where none is named.

    The connection lasts as long as the process, since starting Ray and its processes takes seconds: a search uses it
    for all its batches.

    Raises:
        UsageError: if the cluster does not answer, or this machine is no node of it.
    """
    address = os.environ.get(_ADDRESS)
    if address and "://" in address:
        raise UsageError(
            f"{_ADDRESS} must be the address of a cluster that this machine is a node of, such as <host>:6379, got "
            f"{address}; type `ray start --address=<host>:6379` here"
        )
    if not address:
        # Read when ray is imported.
        os.environ.setdefault(_SEVERAL_MACHINES, "0")
    import ray

    if ray.is_initialized():
        return
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM)
    try:
        if address:
            _check_answers(address)
        ray.init(address or "local", include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        raise UsageError(
            f"a Ray cluster must answer, got {reason(error, lines=1)} from {address or 'this machine'}; set "
            f"{_ADDRESS}=<host>:6379, or hydra.launcher.cluster=null"
        ) from error
    finally:
        # Ray has set its own.
        if is_main:
            signal.signal(signal.SIGTERM, handler)


def _check_answers(address: str) -> None:
    """Raise an ``OSError`` where nobody listens: Ray would try for minutes."""
    host, separator, port = address.rpartition(":")
    # Ray finds the cluster of "auto" itself.
    if separator and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS_TO_ANSWER).close()
