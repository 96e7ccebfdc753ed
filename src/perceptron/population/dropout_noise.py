"""The random draws of dropout, for each member from its own stream, as in the job alone."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from perceptron.randomness import Stream, derive_seed


class Noise:
    """A generator for each member, seeded anew for each epoch.

    On a CPU the draws are those of ``torch.nn.Dropout`` in the job alone; on a GPU they differ, because torch's fused
    dropout draws in an order of its own there.

    Args:
        seeds: seed of each member.
        rates: dropout probabilities of each member, one per dropout layer, in the order of the layers.
    """

    def __init__(self, seeds: Sequence[int], rates: Sequence[Sequence[float]]) -> None:
        self.seeds = list(seeds)
        self.rates = list(rates)
        self._generators: list[torch.Generator] = []

    def start_epoch(self, epoch: int, device: torch.device) -> None:
        """Start every member's stream of this epoch."""
        if not any(self.rates):
            return
        self._generators = [torch.Generator(device) for _ in self.seeds]
        for generator, seed in zip(self._generators, self.seeds, strict=True):
            generator.manual_seed(derive_seed(seed, Stream.NOISE, epoch, 0))

    def mask(self, like: Tensor, layer: int, members: Tensor | None) -> Tensor:
        """Factors of a layer's units, of the shape of ``like``, ``(m, batch, ...)``: 0, or 1 / (1 - p)."""
        positions = range(len(self.seeds)) if members is None else members.tolist()
        mask = torch.empty_like(like, memory_format=torch.contiguous_format)
        for draws, position in zip(mask, positions, strict=True):
            kept = 1 - self.rates[position][layer]
            if kept == 1:
                # As torch, which draws nothing then.
                draws.fill_(1)
                continue
            draws.bernoulli_(kept, generator=self._generators[position]).div_(kept)
        return mask

    def state(self, position: int, epoch: int) -> Tensor:
        """State of a member's generator, in the form of a CPU generator's."""
        if self._generators:
            return self._generators[position].get_state()
        seed = derive_seed(self.seeds[position], Stream.NOISE, epoch, 0)
        return torch.Generator().manual_seed(seed).get_state()

    def keep(self, members: Sequence[int]) -> None:
        """Remove all other members: positions of those that stay."""
        self.seeds = [self.seeds[i] for i in members]
        self.rates = [self.rates[i] for i in members]
        self._generators = [self._generators[i] for i in members] if self._generators else []


def dropout_rates(network: nn.Module) -> list[float]:
    """Probabilities of a network's layers of dropout, in the order of its modules."""
    return [layer.p for layer in network.modules() if type(layer) is nn.Dropout]
