"""Gradients of many members, each clipped as Lightning clips those of one model."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

# Of torch.nn.utils.clip_grad_norm_.
_EPSILON = 1e-6


class GradientClipping:
    """Clips each member's gradients by their norm over all of its parameters, or by their values.

    Args:
        limits: of each member; infinity for none.
        by_norm: whether a limit is for the norm, otherwise it is for every value.
    """

    def __init__(self, limits: Sequence[float], *, by_norm: bool) -> None:
        self.limits = torch.tensor(limits, dtype=torch.float64)
        self.by_norm = by_norm
        self._is_needed = any(limit < torch.inf for limit in limits)

    @torch.no_grad()
    def clip(self, stacks: Sequence[nn.Parameter]) -> None:
        """Clip the gradients of stacks of parameters ``(members, ...)``, in place."""
        gradients = [stack.grad for stack in stacks if stack.grad is not None]
        if not self._is_needed or not gradients:
            return
        limits = self.limits = self.limits.to(gradients[0])
        if not self.by_norm:
            for gradient in gradients:
                own = _broadcast(limits, gradient)
                torch.clamp(gradient, -own, own, out=gradient)
            return
        norms = torch.stack([torch.linalg.vector_norm(gradient.flatten(1), dim=1) for gradient in gradients])
        factors = limits / (torch.linalg.vector_norm(norms, dim=0) + _EPSILON)
        # Without a limit, whatever the norm.
        factors = torch.where(limits < torch.inf, factors.clamp(max=1), 1)
        for gradient in gradients:
            gradient.mul_(_broadcast(factors, gradient))

    def keep(self, members: Tensor) -> None:
        """Remove all other members: positions ``(m,)`` int64 of those that stay."""
        self.limits = self.limits[members.to(self.limits.device)]


def _broadcast(of_members: Tensor, gradient: Tensor) -> Tensor:
    return of_members.view(-1, *[1] * (gradient.ndim - 1))
