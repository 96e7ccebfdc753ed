"""ONNX files. Needs onnx, onnxscript and onnxruntime."""

import io
import logging
import warnings
from collections.abc import Mapping

import onnx
import onnxruntime
import torch
from torch import Tensor

from perceptron.exports.answers import Answers, check_agreement, example, expected, output_names
from perceptron.models import TaskModule


def to_onnx(model: TaskModule, rows: Tensor, *, metadata: Mapping[str, str]) -> tuple[bytes, float]:
    """A model as the bytes of an ONNX file, compared with the model in onnxruntime.

    The input is ``features``, of any batch size; the outputs are those of ``Answers``.

    Args:
        model: ready to predict, on the CPU.
        rows: ``(n_rows, n_features)`` float32, real ones.
        metadata: stored in the file's metadata.

    Returns:
        The bytes, and the largest difference from the model.

    Raises:
        UsageError: where it does not agree with the model.
    """
    names = output_names(model, rows[:1])
    with warnings.catch_warnings():
        # torch's exporter uses what it has deprecated itself.
        warnings.simplefilter("ignore")
        # It warns of each operator of a package that is not installed.
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            Answers(model),
            (example(rows.shape[1]),),
            dynamo=True,
            input_names=["features"],
            output_names=list(names),
            dynamic_shapes={"features": {0: torch.export.Dim.DYNAMIC}},
            verbose=False,
        )
    assert program is not None  # noqa: S101
    proto = program.model_proto
    onnx.helper.set_model_props(proto, dict(metadata))
    onnx.checker.check_model(proto, full_check=True)
    buffer = io.BytesIO()
    onnx.save_model(proto, buffer)
    content = buffer.getvalue()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    differences = []
    for part in (rows, rows[:1]):
        outputs = dict(zip(names, session.run(list(names), {"features": part.numpy()}), strict=True))
        differences.append(check_agreement(expected(model, part), outputs, by="onnxruntime"))
    return content, max(differences)
