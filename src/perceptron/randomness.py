"""Seeds of random draws: functions of the user's seed and of the purpose, never of what was drawn before."""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """The purpose of a draw. The streams of one seed are independent of one another."""

    WEIGHTS = 0
    ROW_ORDER = 1
    NOISE = 2
    SEARCH = 3
    DIRECTIONS = 4


def derive_seed(seed: int, stream: Stream, *keys: int) -> int:
    """Seed of one stream of draws.

    Args:
        seed: the user's seed, at least 0.
        stream: purpose of the draws.
        keys: further dependencies, such as the epoch; each at least 0.

    Returns:
        A 63-bit seed, mixed by numpy's ``SeedSequence``, by which neighbouring seeds and epochs are unrelated.
    """
    entropy = (seed, int(stream), *keys)
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> np.uint64(1))
