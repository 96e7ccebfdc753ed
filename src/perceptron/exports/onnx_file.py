"""ONNX files. Needs onnx, onnxscript and onnxruntime."""

import io
import json
import logging
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from torch import Tensor

from perceptron.exports.agreement import check_agreement, example, output_names
from perceptron.models import Answers

if TYPE_CHECKING:
    from perceptron.exports.encoding_graph import RawColumns


def to_onnx(
    answers: Answers,
    rows: Tensor,
    *,
    metadata: Mapping[str, str],
    deviation: npt.NDArray[np.float64] | None,
    columns: "RawColumns | None" = None,
) -> tuple[bytes, float]:
    """A model as the bytes of an ONNX file, compared with the model in onnxruntime.

    The input is ``features``, or raw columns, see ``perceptron.exports.encoding_graph``, of any batch size; the outputs
    are those of ``Answers``.

    Args:
        answers: of the model.
        rows: ``(n_rows, n_features)`` float64, raw, real ones.
        deviation: ``(n_targets,)`` standard deviation of the targets, above 0; None for classes.
        metadata: stored in the file's metadata.
        columns: the same rows as they were found; then they are the inputs, described in the metadata ``inputs``.

    Returns:
        The bytes, and the largest difference from the model.

    Raises:
        UsageError: if it does not agree with the model.
    """
    names = output_names(answers, rows[:1])
    with warnings.catch_warnings():
        # torch's exporter uses what it has deprecated itself.
        warnings.simplefilter("ignore")
        # It warns of each operator of a package that is not installed.
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            answers,
            (example(rows.shape[1]),),
            dynamo=True,
            input_names=["features"],
            output_names=list(names),
            dynamic_shapes={"features": {0: torch.export.Dim.DYNAMIC}},
            verbose=False,
        )
    assert program is not None  # noqa: S101
    proto = program.model_proto
    metadata, inputs = dict(metadata), {"features": rows.numpy()}
    if columns is not None:
        proto, inputs = columns.put_in_front(proto), columns.inputs
        metadata["inputs"] = json.dumps(columns.described, ensure_ascii=False)
    onnx.helper.set_model_props(proto, metadata)
    onnx.checker.check_model(proto, full_check=True)
    buffer = io.BytesIO()
    onnx.save_model(proto, buffer)
    content = buffer.getvalue()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    differences = []
    for some in (slice(None), slice(1)):
        part = {name: values[some] for name, values in inputs.items()}
        outputs = dict(zip(names, session.run(list(names), part), strict=True))
        differences.append(check_agreement(answers, rows[some], outputs, deviation=deviation, by="onnxruntime"))
    return content, max(differences)
