"""Errors in the project's Hydra callbacks end the program. Imports nothing heavy."""

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.settings.explain import explain
from perceptron.errors import USAGE_STATUS, UsageError
from perceptron.runs.failures import is_no_room, no_room
from perceptron.terminal.pipes import UNREAD_STATUS

_FAILED_STATUS = 1


class Refusal(SystemExit):
    """A user's mistake on its way through Hydra, which stops an ``Exception`` and prints lines about it.

    Args:
        error: the mistake, which ``command_line`` prints or raises.
    """

    def __init__(self, error: UsageError) -> None:
        super().__init__(USAGE_STATUS)
        self.error = error


@contextmanager
def ending_the_program(folder: Callable[[], Path] = Path.cwd) -> Iterator[None]:
    """End the program for an exception in a callback, of which Hydra would make a warning.

    A user's mistake becomes a ``Refusal``.

    Args:
        folder: the folder that the callback writes to.

    Raises:
        NoRoomError: for a full disk.
    """
    try:
        yield
    except UsageError as error:
        raise Refusal(error) from error
    except (HydraException, OmegaConfBaseException) as error:
        raise Refusal(UsageError(explain(error))) from error
    except BrokenPipeError:
        sys.exit(UNREAD_STATUS)
    except OSError as error:
        if is_no_room(error):
            raise no_room(error, folder(), advice=None) from error
        raise Refusal(UsageError(f"a sweep's folder must be writable, got {error}; mend its permissions")) from error
    except Exception:
        traceback.print_exc()
        sys.exit(_FAILED_STATUS)
