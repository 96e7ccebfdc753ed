"""Predictions of a restored model, in the columns of ``perceptron predict``."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import pyarrow as pa
import torch

from perceptron.composition.stored.restore import Restored
from perceptron.prediction.answer_file import Layout
from perceptron.prediction.input_rows import Chunk


def predicted_batches(
    restored: Restored, chunks: Iterable[Chunk], *, row_id: str | None = None, safe: bool = False
) -> tuple[Layout, Iterator[Any]]:
    """The columns of the answers, and their record batches, one for each chunk of rows.

    The first chunk is read before this returns, because most mistakes show in it.

    Args:
        restored: the model.
        chunks: raw rows, at least one chunk.
        row_id: column that names the rows; None for their numbers, under the name ``row``.
        safe: see ``Layout``.
    """
    schema, model = restored.schema, restored.answers
    rest = iter(chunks)
    first = next(rest)
    layout = Layout(
        class_names=schema.class_names,
        target_names=schema.target_names,
        row_id=row_id or "row",
        id_type=first.ids.type if row_id else pa.int64(),
        safe=safe,
        has_spread=model.predict(torch.from_numpy(first.features[:1])).spread is not None,
        is_double=restored.model.dtype == torch.float64,
    )

    def batches() -> Iterator[Any]:
        for chunk in chain([first], rest):
            with torch.inference_mode():
                labels, *others = model.predict(torch.from_numpy(chunk.features))
            numbers = (None if values is None else values.numpy() for values in others)
            yield layout.batch(chunk.ids, labels.numpy(), *numbers)

    return layout, batches()
