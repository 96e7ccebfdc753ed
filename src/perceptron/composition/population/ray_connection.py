"""The connection of this process to a Ray cluster. Imports nothing heavy."""

import logging
import os
import signal
import threading

from perceptron.composition.settings.ray_address import no_answer, ray_address

# Ray binds to the network's address where several machines may form a cluster, which this variable says.
_SEVERAL_MACHINES = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"


def connect() -> None:
    """Connect to the cluster that ``RAY_ADDRESS`` names; start Ray on this machine, for it alone, where none is named.

    The connection lasts as long as the process, since starting Ray and its processes takes seconds: a search uses it
    for all its batches.

    Raises:
        UsageError: if the cluster does not answer, or this machine is no node of it.
    """
    address = ray_address()
    if address is None:
        # Read when ray is imported.
        os.environ.setdefault(_SEVERAL_MACHINES, "0")
    import ray

    if ray.is_initialized():
        return
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address or "local", include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        raise no_answer(error) from error
    finally:
        # Ray has set its own.
        if is_main:
            signal.signal(signal.SIGTERM, handler)
