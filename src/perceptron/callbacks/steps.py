"""What Lightning does around every step, and a run can do without.

It is a quarter of a small network's step where each step is a batch to Lightning, and a twentieth where several are
(measured, see ``several_steps``).
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import lightning as L
from lightning.pytorch.profilers import PassThroughProfiler

from perceptron.models.several_steps import STEP_HOOKS

_NOTHING = nullcontext()


class NoProfiler(PassThroughProfiler):
    """Measures nothing. Lightning's own makes a generator for nothing 60 times a step."""

    def profile(self, action_name: str) -> AbstractContextManager[Any]:  # type: ignore[override]  # noqa: ARG002
        """The same context manager each time."""
        return _NOTHING


def leave_out_empty_hooks(callbacks: Iterable[L.Callback]) -> None:
    """Let Lightning pass over the hooks of a step that a callback does not have.

    It calls each hook of each callback, six times a step, and passes over one that is not callable.
    """
    for callback in callbacks:
        for hook in STEP_HOOKS:
            if getattr(type(callback), hook) is getattr(L.Callback, hook):
                setattr(callback, hook, None)
