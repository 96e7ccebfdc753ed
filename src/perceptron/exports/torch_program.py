"""``torch.export`` programs, which run without this project's code."""

import io
import warnings
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from perceptron.exports.agreement import check_agreement, example, output_names
from perceptron.models import Answers


def to_program(
    answers: Answers,
    rows: Tensor,
    *,
    metadata: Mapping[str, str],
    deviation: npt.NDArray[np.float64] | None,
) -> tuple[bytes, float]:
    """A model as the bytes of a ``.pt2`` file, compared with the model after it was read back.

    The input is ``features``, of any batch size; the outputs are those of ``Answers``.

    Args:
        answers: of the model.
        rows: ``(n_rows, n_features)`` float64, raw, real ones.
        deviation: ``(n_targets,)`` standard deviation of the targets, above 0; None for classes.
        metadata: stored beside the program, under these names.

    Returns:
        The bytes, and the largest difference from the model.

    Raises:
        UsageError: if it does not agree with the model.
    """
    names = output_names(answers, rows[:1])
    with warnings.catch_warnings():
        # torch's exporter uses what it has deprecated itself.
        warnings.simplefilter("ignore")
        program = torch.export.export(
            answers,
            (example(rows.shape[1]),),
            dynamic_shapes={"features": {0: torch.export.Dim.DYNAMIC}},
        )
        buffer = io.BytesIO()
        torch.export.save(program, buffer, extra_files=dict(metadata))
        content = buffer.getvalue()
        exported = torch.export.load(io.BytesIO(content)).module()
    differences = []
    for part in (rows, rows[:1]):
        outputs = dict(zip(names, (output.detach().numpy() for output in exported(part)), strict=True))
        differences.append(check_agreement(answers, part, outputs, deviation=deviation, by="torch.export"))
    return content, max(differences)
