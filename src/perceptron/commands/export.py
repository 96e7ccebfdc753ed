"""``perceptron export``: a run's model as a file that runs without this project."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perceptron.commands.arguments import CHECKPOINT, MODEL, RUNS, TRUST, Argument, Command
from perceptron.errors import UsageError, missing_extra, reason
from perceptron.files.writing import atomic_file
from perceptron.garbage_collection import heavy_imports
from perceptron.runs.folder import folder_of
from perceptron.runs.lookup import find_source
from perceptron.runs.output_file import output_path
from perceptron.terminal.status import show
from perceptron.terminal.text import say

if TYPE_CHECKING:
    from perceptron.composition.stored.restore import Restored

_SUFFIXES = {"onnx": ".onnx", "torch": ".pt2"}
_MOST_ROWS = 1000
_TAKES = {
    "onnx": "raw columns, one input each; the file's metadata holds their types",
    "torch": "encoded features, as perceptron.data.columns.encoding.encode makes them: torch.export holds no texts",
}
COMMAND = Command(
    name="export",
    summary="a run's model as ONNX or as a torch.export program",
    details="The file takes any number of raw rows and gives labels and probabilities, or values in the target's "
    "units. Before it is kept, it is compared with the model on rows of the run's data, or on generated rows if these "
    "are gone.",
    examples=("run=logs/train/runs/<run> format=onnx", "run=latest format=torch output=model.pt2"),
    arguments=(
        MODEL,
        RUNS,
        CHECKPOINT,
        Argument(name="format", options=tuple(_SUFFIXES), summary="the kind of file", default="onnx"),
        Argument(
            name="output", takes="<file>", summary="the file; by default model.onnx or model.pt2 in the run's folder"
        ),
        TRUST,
    ),
    takes_settings=True,
)


def main(arguments: Sequence[str]) -> None:
    """Export."""
    typed = COMMAND.read(arguments)
    wanted = typed["format"]
    source = find_source(typed["run"], among=Path(typed["runs"]))
    path = output_path(typed.get("output") or str(folder_of(source) / f"model{_SUFFIXES[wanted]}"))
    show(f"loading torch and {wanted}" if wanted != "torch" else "loading torch")
    # Imported here, because they import torch; and onnx is an extra.
    with heavy_imports():
        import torch

        from perceptron.composition.stored.restore import restore

    convert: Callable[..., tuple[bytes, float]]
    if wanted == "onnx":
        try:
            from perceptron.exports.onnx_file import to_onnx

            convert = to_onnx
        except ImportError as error:
            needed = "format=onnx needs onnx, onnxscript and onnxruntime"
            raise missing_extra(needed, "export", found=reason(error)) from error
    else:
        from perceptron.exports.torch_program import to_program

        convert = to_program

    show("reading the run and its data")
    restored = restore(source, checkpoint=typed["checkpoint"], overrides=typed.settings, trust=typed.trusted())
    takes_columns = bool(restored.schema.encoding) and wanted == "onnx"
    unread = None
    try:
        features, frame, deviation = _read_rows(restored, takes_columns=takes_columns)
    except UsageError as error:
        # Data that was typed must be readable; the data of the run may be gone.
        if any(override.lstrip("+").startswith("data") for override in typed.settings):
            raise
        unread = error
        features, frame, deviation = _made_rows(restored, takes_columns=takes_columns)
    rows, raw = torch.from_numpy(features), {}
    if takes_columns:
        from perceptron.data.columns.encoding import from_texts
        from perceptron.exports.encoding_graph import RawColumns

        # The last row has only missing values.
        columns = RawColumns(frame=frame.reindex([*frame.index, -1]), codes=from_texts(restored.schema.encoding))
        rows, raw = torch.from_numpy(columns.features), {"columns": columns}
    show(f"converting the model, and comparing it with the file on {len(rows)} rows")
    content, difference = convert(restored.answers, rows, metadata=_metadata(restored), deviation=deviation, **raw)
    with atomic_file(path) as file:
        file.write(content)
    say(f"{wanted:<11} {path}, {len(content):,} bytes")
    if restored.schema.encoding:
        say(f"takes       {_TAKES[wanted]}")
    made = "" if unread is None else " generated"
    say(f"checked     {len(rows)}{made} rows, largest difference {difference:.1e}")
    if unread is not None:
        say(f"            the run's data cannot be read: {unread}")


def _read_rows(restored: "Restored", *, takes_columns: bool) -> tuple[Any, Any, Any]:
    """Rows of the run's data: raw features, the raw columns if needed, and the deviations of continuous targets."""
    import numpy as np

    from perceptron.composition.stored.restore import restore_data
    from perceptron.data.offsets import added

    datamodule = restore_data(restored)
    features = datamodule.table.features[:_MOST_ROWS].astype(np.float64)
    frame = datamodule.read_frame().iloc[:_MOST_ROWS] if takes_columns else None
    return added(features, restored.schema.feature_offsets), frame, datamodule.target_deviation


def _made_rows(restored: "Restored", *, takes_columns: bool) -> tuple[Any, Any, Any]:
    """The same of generated rows that resemble the training rows."""
    import numpy as np

    from perceptron.exports.agreement import learnt_deviation
    from perceptron.exports.synthetic_rows import made_features, made_frame

    scaling, offsets = restored.model.standardize, restored.schema.feature_offsets
    mean = scaling.mean.double().numpy() + np.array(offsets or 0.0)
    scale = scaling.scale.double().numpy()
    if restored.schema.encoding:
        from perceptron.data.columns.encoding import encode, from_texts

        codes = from_texts(restored.schema.encoding)
        frame = made_frame(codes, mean, scale, n_rows=_MOST_ROWS)
        features = encode(frame, codes)
    else:
        features, frame = made_features(mean, scale, n_rows=_MOST_ROWS), None
    return features, frame if takes_columns else None, learnt_deviation(restored.answers, features)


def _metadata(restored: "Restored") -> dict[str, str]:
    """The file's metadata: what a reader needs to use it, and its provenance; values are JSON."""
    from perceptron.composition.settings.plain import plain
    from perceptron.version import VERSION

    config = plain(restored.config)
    values: dict[str, Any] = {
        "task": restored.schema.task,
        "feature_names": restored.schema.feature_names,
        "class_names": restored.schema.class_names,
        "target_names": restored.schema.target_names,
        "encoding": restored.schema.encoding,
        "provenance": {
            "perceptron": VERSION,
            "checkpoint": str(restored.checkpoint),
            "step": restored.step,
            "seed": config["seed"],
            "split_seed": config["data"]["split_seed"],
            "model": config["model"],
            "dataset": config["data"]["dataset"],
        },
    }
    return {name: json.dumps(value, ensure_ascii=False) for name, value in values.items()}
