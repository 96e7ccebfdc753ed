"""``perceptron evaluate``: loss and metrics of a run's model."""

from collections.abc import Sequence
from typing import get_args

from perceptron.commands.arguments import read_arguments
from perceptron.garbage_collection import heavy_imports
from perceptron.runs.files import output_path, print_json, write_json
from perceptron.runs.find import find_source
from perceptron.runs.folder import folder_of
from perceptron.runs.replacing import check_replaces_nothing
from perceptron.tasks import SplitName
from perceptron.terminal.text import say

USAGE = """\
Loss and metrics of a run's model, to the last bit those that training reported; writes nothing unless told to.

  perceptron evaluate run=logs/train/runs/<run>
  perceptron evaluate run=best runs=logs/train/multiruns/<sweep> split=test
  perceptron evaluate run=latest data.split_seed=1 output=metrics.json

  run=<folder or checkpoint>|latest|best  runs=<folder that latest and best choose from>  checkpoint=best|last|<file>
  split=all|train|val|test                output=<JSON file, or - for standard output>    trust=[<class>,...]"""


def main(arguments: Sequence[str]) -> None:
    """Evaluate."""
    typed = read_arguments(arguments, {"checkpoint": "best", "split": "all", "output": None}, usage=USAGE)
    if typed is None:
        return
    all_splits: tuple[SplitName, ...] = get_args(SplitName)
    split = typed.choice("split", "all", *all_splits)
    output = typed.own["output"]
    path = None if output in (None, "-") else output_path(str(output))
    if path is not None:
        check_replaces_nothing(path)
    source = find_source(typed.text("run"), among=typed.among)
    # Here, because they import torch.
    with heavy_imports():
        from perceptron.composition.stored.evaluating import evaluate_restored
        from perceptron.composition.stored.restore import restore
        from perceptron.runs.report import print_results

    restored = restore(source, checkpoint=typed.text("checkpoint"), overrides=typed.overrides, trust=typed.trust)
    splits = [name for name in all_splits if split in ("all", name)]
    metrics = evaluate_restored(restored, splits=splits)
    if output == "-":
        print_json(metrics)
        return
    if path is not None:
        write_json(path, metrics)
    title = f"{restored.checkpoint.name} after {restored.step} steps"
    print_results(metrics, title=title, folder=folder_of(source), notes=[])
    if path is not None:
        say(f"metrics     {path}")
