"""``perceptron predict``: predictions for the rows of a file."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from perceptron.commands.arguments import CHECKPOINT, MODEL, RUNS, TRUST, Argument, Command
from perceptron.errors import UsageError, missing_extra
from perceptron.garbage_collection import heavy_imports
from perceptron.runs.lookup import find_source
from perceptron.runs.output_file import output_path
from perceptron.terminal.status import clear, show

COMMAND = Command(
    name="predict",
    summary="predictions for the rows of a CSV, Parquet or Feather file",
    details="For each row: the label and the probability of every class, or values in the target's units; of an "
    "ensemble also the spread of its members.",
    examples=(
        "run=logs/train/runs/<run> input=rows.csv output=answers.csv",
        "input=rows.parquet output=answers.parquet id=patient 'ignore=[diagnosis]'",
        "run=model.ckpt input=- output=- < rows.csv > answers.csv",
    ),
    arguments=(
        Argument(
            name="input",
            takes="<file>|-",
            summary="raw rows; columns are found by name in any order, without names by their number; - is CSV on "
            "standard input",
            required=True,
        ),
        Argument(
            name="output",
            takes="<file>|-",
            summary="CSV, or Parquet if the name ends in .parquet; a file is complete or is not there; - is standard "
            "output",
            required=True,
        ),
        MODEL,
        RUNS,
        CHECKPOINT,
        Argument(name="id", takes="<column>", summary="names the rows; without it they are numbered from 0"),
        Argument(name="ignore", takes="[<column>,...]", summary="columns to leave out", is_list=True),
        Argument(
            name="safe_csv",
            options=("true", "false"),
            summary="put an apostrophe before texts that a spreadsheet program would run as formulas",
            default="false",
        ),
        TRUST,
    ),
    takes_settings=True,
)


def main(arguments: Sequence[str]) -> None:
    """Predict."""
    typed = COMMAND.read(arguments)
    source, target = typed["input"], typed["output"]
    rows, answers = _paths(source, target)
    safe = typed["safe_csv"] == "true"
    if safe and target.endswith(".parquet"):
        raise UsageError(f"safe_csv=true needs CSV output, got output={target}; leave safe_csv out")
    stdin = _bytes(sys.stdin, "input") if rows is None else None
    stdout = _bytes(sys.stdout, "output") if answers is None else None
    run = find_source(typed["run"], among=Path(typed["runs"]))
    show("loading torch")
    # Imported here, because they import torch; and pyarrow is an extra.
    try:
        with heavy_imports():
            from perceptron.prediction.answer_file import write_answers
            from perceptron.prediction.input_rows import read_rows
    except ImportError as error:
        raise missing_extra("predict needs pyarrow", "table") from error
    with heavy_imports():
        from perceptron.composition.stored.predicting import predicted_batches
        from perceptron.composition.stored.restore import restore

    show("reading the run")
    restored = restore(run, checkpoint=typed["checkpoint"], overrides=typed.settings, trust=typed.trusted())
    schema, row_id = restored.schema, typed.get("id")
    clear()
    with _progress(rows) as progress:
        chunks = read_rows(
            rows,
            features=schema.feature_names,
            encoding=schema.encoding,
            row_id=row_id,
            ignored=typed.names("ignore"),
            progress=progress,
            stdin=stdin,
        )
        layout, batches = predicted_batches(restored, chunks, row_id=row_id, safe=safe)
        try:
            with write_answers(answers, layout, stdout=stdout) as writer:
                for batch in batches:
                    writer.write_batch(batch)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise UsageError(
                f"output must be writable, got {error.strerror or error}; make room or name another"
            ) from error


def _paths(source: str, target: str) -> tuple[Path | None, Path | None]:
    """The files to read and to write; None for a standard stream."""
    rows = None if source == "-" else Path(source)
    if rows is not None and not rows.is_file():
        raise UsageError(f"input must be an existing CSV, Parquet or Feather file, got {source}; name another")
    answers = None if target == "-" else output_path(target)
    if rows is not None and answers is not None and answers.exists() and answers.samefile(rows):
        raise UsageError(f"output must differ from input, got {target} for both; name another file")
    return rows, answers


def _bytes(stream: TextIO | None, name: str) -> BinaryIO:
    if stream is None:
        raise UsageError(f"{name}=- needs standard {name}, which is closed; name a file")
    return stream.buffer


@contextmanager
def _progress(rows: Path | None) -> Iterator[Callable[[float], None]]:
    """Show a progress bar while a file is read, if standard error is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("rows", total=1.0 if rows else None)
        yield lambda share: progress.update(bar, completed=share)
