"""``perceptron evaluate``: loss and metrics of a run's model."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from perceptron.commands.arguments import CHECKPOINT, MODEL, RUNS, TRUST, Argument, Command
from perceptron.files.plain_values import print_json, write_json
from perceptron.garbage_collection import heavy_imports
from perceptron.runs.folder import folder_of
from perceptron.runs.lookup import find_source
from perceptron.runs.output_file import output_path
from perceptron.tasks import SplitName
from perceptron.terminal.status import show
from perceptron.terminal.text import say

_SPLITS: tuple[SplitName, ...] = get_args(SplitName)
COMMAND = Command(
    name="evaluate",
    summary="loss and metrics of a run's model on its own splits, or on other data",
    details="On its own splits they equal those that training reported, to the last bit.",
    examples=(
        "run=logs/train/runs/<run>",
        "run=best runs=logs/train/multiruns/<sweep> split=test",
        "run=latest data.split_seed=1 output=metrics.json",
    ),
    arguments=(
        MODEL,
        RUNS,
        CHECKPOINT,
        Argument(name="split", options=("all", *_SPLITS), summary="the rows to evaluate on", default="all"),
        Argument(name="output", takes="<file>|-", summary="a JSON file for the metrics; - is standard output"),
        TRUST,
    ),
    takes_settings=True,
)


def main(arguments: Sequence[str]) -> None:
    """Evaluate."""
    typed = COMMAND.read(arguments)
    output = typed.get("output")
    path = None if output in (None, "-") else output_path(str(output))
    source = find_source(typed["run"], among=Path(typed["runs"]))
    show("loading torch and lightning")
    # Imported here, because they import torch.
    with heavy_imports():
        from perceptron.composition.stored.evaluating import evaluate_run
        from perceptron.runs.results_table import print_results

    show("reading the run and its data")
    found = evaluate_run(
        source,
        splits=[name for name in _SPLITS if typed["split"] in ("all", name)],
        checkpoint=typed["checkpoint"],
        overrides=typed.settings,
        trust=typed.trusted(),
    )
    metrics = found.metrics
    if output == "-":
        print_json(metrics)
        return
    if path is not None:
        write_json(path, metrics)
    title = f"{found.checkpoint.name} after {found.step} steps"
    print_results(metrics, title=title, folder=folder_of(source), notes=[])
    if path is not None:
        say(f"metrics     {path}")
