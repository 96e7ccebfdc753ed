"""A short text that is another one as soon as a value of a table or its split is another one."""

from hashlib import blake2b

import numpy as np

from perceptron.data.splits import Split
from perceptron.data.table import Table


def digest(table: Table, split: Split) -> str:
    """Digest of features, targets and the rows of each split, whatever files and in whatever format they lie in."""
    found = blake2b(digest_size=16)
    for values in (table.features, table.target, split.train, split.val, split.test):
        found.update(f"{values.dtype} {values.shape}".encode())
        found.update(np.ascontiguousarray(values).data)
    return found.hexdigest()
