"""A digest of a table and its split, to detect changes."""

from hashlib import blake2b

import numpy as np

from perceptron.data.splits import Split
from perceptron.data.table import Table


def digest(table: Table, split: Split) -> str:
    """Hexadecimal digest of features, targets and the rows of each split; it does not depend on files and formats."""
    found = blake2b(digest_size=16)
    for values in (table.features, table.target, split.train, split.val, split.test):
        found.update(f"{values.dtype} {values.shape}".encode())
        found.update(np.ascontiguousarray(values).data)
    return found.hexdigest()
