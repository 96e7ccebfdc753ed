"""Every random draw is a function of a seed and of what it is drawn for, never of what ran before."""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a draw is for; two streams of one seed are independent of each other."""

    WEIGHTS = 0
    ROW_ORDER = 1
    NOISE = 2
    SEARCH = 3
    DIRECTIONS = 4


def derive_seed(seed: int, stream: Stream, *keys: int) -> int:
    """Seed of one stream of draws.

    Args:
        seed: the user's seed, at least 0.
        stream: what the draws are for.
        keys: what else they depend on, such as the epoch; each at least 0.

    Returns:
        A 63-bit seed, mixed by numpy's ``SeedSequence``, which makes neighbouring seeds and epochs unrelated.
    """
    entropy = (seed, int(stream), *keys)
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> np.uint64(1))
