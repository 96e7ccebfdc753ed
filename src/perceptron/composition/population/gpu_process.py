"""A process that trains on one GPU. Imports nothing heavy: what torch sees is set before it is imported."""

import os
import signal
from multiprocessing.connection import Connection

from perceptron.errors import InterruptedRunError
from perceptron.terminal.signals import END_OF_TASK, interrupt


def serve(connection: Connection, gpu: str) -> None:
    """Train share after share until the connection ends.

    It receives a ``MemberBuilder`` first, then each ``SentShare``, and sends the arguments of each report, see
    ``perceptron.composition.population.share_task.Report``, and at the end a ``TaskResult``, or the text of an error.

    Args:
        connection: to the process that waits.
        gpu: as ``CUDA_VISIBLE_DEVICES`` names it.
    """
    # Ctrl-C reaches every process of a terminal; the waiting process ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    # Imported here, because it imports torch.
    from perceptron.composition.population.share_task import train_share

    signal.signal(END_OF_TASK, lambda number, _: interrupt(number))
    try:
        builder = connection.recv()
        while True:
            share = connection.recv()
            try:
                connection.send(train_share(share, builder, lambda *report: connection.send(report)))
            except BrokenPipeError:
                raise
            except Exception as error:
                connection.send(f"{type(error).__name__}: {error}")
            builder.forget_splits()
    except InterruptedRunError:
        os._exit(1)
    except (EOFError, BrokenPipeError):
        # The process that waits has ended.
        return
