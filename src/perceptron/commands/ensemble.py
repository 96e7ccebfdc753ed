"""``perceptron ensemble``: one predictor of a sweep's members."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from perceptron.commands.arguments import CHECKPOINT, TRUST, Argument, Command
from perceptron.errors import UsageError
from perceptron.files.containment import check_contained
from perceptron.garbage_collection import heavy_imports
from perceptron.terminal.status import show
from perceptron.terminal.text import say

COMMAND = Command(
    name="ensemble",
    summary="one predictor of a sweep's finished runs: the mean of their answers, and its spread",
    details="evaluate, predict and export read the ensemble's folder as they read a run's.",
    examples=(
        "run=logs/train/multiruns/<sweep>",
        "run=logs/train/multiruns/<sweep> checkpoint=last output=logs/ensemble",
    ),
    arguments=(
        Argument(name="run", takes="<folder>", summary="a sweep's folder, or another folder of runs", required=True),
        replace(CHECKPOINT, takes="", options=("best", "last"), summary="which weights of each run"),
        Argument(
            name="output", takes="<folder>", summary="the ensemble's folder; by default ensemble in the sweep's folder"
        ),
        TRUST,
    ),
)


def main(arguments: Sequence[str]) -> None:
    """Make the ensemble.

    Raises:
        UsageError: for an invalid argument, or runs that do not answer the same question.
    """
    typed = COMMAND.read(arguments)
    sweep, output = Path(typed["run"]), typed.get("output")
    if not sweep.is_dir():
        raise UsageError(f"run must be a sweep's folder, got {sweep}, which does not exist; name one below logs/")
    folder = Path(output or sweep / "ensemble")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"output must be a folder, got {folder}, which is a file; name another")
    check_contained(folder, within=None if output else sweep)
    show("loading torch and lightning")
    # Imported here, because it imports torch.
    with heavy_imports():
        from perceptron.composition.stored.ensembling import make_ensemble

    show("reading the members")
    made = make_ensemble(sweep, folder, checkpoint=typed["checkpoint"], trust=typed.trusted())
    say(f"ensemble    {made.folder}, {made.n_members} members")
    if made.n_left_out:
        say(f"left out    {made.n_left_out} unfinished runs")
    if made.n_splits > 1:
        say(f"splits      {made.n_splits}: rows held out for one member trained another, so evaluate needs other data")
