"""Avoid work of Lightning around every step that a run does not need.

It takes a quarter of a small network's step where each step is a batch to Lightning, and a twentieth where several are
(measured, see ``perceptron.models.several_steps``).
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import lightning as L
from lightning.pytorch.profilers import PassThroughProfiler

from perceptron.models.several_steps import STEP_HOOKS

_NOTHING = nullcontext()


class NoProfiler(PassThroughProfiler):
    """Measures nothing. Lightning's own creates a generator 60 times a step."""

    def profile(self, action_name: str) -> AbstractContextManager[Any]:  # type: ignore[override]  # noqa: ARG002
        """The same context manager each time."""
        return _NOTHING


def leave_out_empty_hooks(callbacks: Iterable[L.Callback]) -> None:
    """Let Lightning skip the hooks of a step that a callback does not override.

    It calls six hooks of each callback in every step, and skips those that are not callable.
    """
    for callback in callbacks:
        for hook in STEP_HOOKS:
            if getattr(type(callback), hook) is getattr(L.Callback, hook):
                setattr(callback, hook, None)
