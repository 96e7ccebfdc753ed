"""``perceptron ensemble``: one predictor of a sweep's members."""

from collections.abc import Sequence
from pathlib import Path

from perceptron.commands.arguments import read_arguments
from perceptron.errors import UsageError
from perceptron.files.writing import check_contained
from perceptron.garbage_collection import heavy_imports
from perceptron.terminal.text import say

USAGE = """\
One predictor of a sweep's finished members: the mean of their probabilities or values, and its spread.
Its folder is a run's for evaluate, predict and export.

  perceptron ensemble run=logs/train/multiruns/<sweep>
  perceptron ensemble run=logs/train/multiruns/<sweep> checkpoint=last output=logs/ensemble

  run=<folder of runs>                    checkpoint=best|last, of each member
  output=<folder>, by default ensemble in the sweep's             trust=[<class>,...]"""


def main(arguments: Sequence[str]) -> None:
    """Make the ensemble.

    Raises:
        UsageError: where an argument is wrong, or the runs do not answer the same question.
    """
    typed = read_arguments(arguments, {"run": None, "checkpoint": "best", "output": None}, usage=USAGE)
    if typed is None:
        return
    if typed.overrides:
        raise UsageError(f"an ensemble takes its members' settings, got {typed.overrides[0]}; leave it out")
    sweep = Path(typed.text("run"))
    checkpoint = typed.choice("checkpoint", "best", "last")
    if not sweep.is_dir():
        raise UsageError(f"run must be a sweep's folder, got {sweep}, which is not there; name one below logs/")
    folder = Path(typed.own["output"] or sweep / "ensemble")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"output must be a folder, got {folder}, which is a file; name another")
    check_contained(folder, within=None if typed.own["output"] else sweep)
    # Here, because it imports torch.
    with heavy_imports():
        from perceptron.composition.stored.ensembling import make_ensemble

    made = make_ensemble(sweep, folder, checkpoint=checkpoint, trust=typed.trust)
    say(f"ensemble    {made.folder}, {made.n_members} members")
    if made.n_left_out:
        say(f"left out    {made.n_left_out} runs that have not finished")
    if made.n_splits > 1:
        say(f"splits      {made.n_splits}: rows held out for one trained another, so evaluate needs other data")
