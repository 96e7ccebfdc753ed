"""``perceptron resume``: continue a run that was stopped, in its folder."""

from collections.abc import Sequence
from pathlib import Path

from perceptron.commands.arguments import RUN, RUNS, TRUST, Command
from perceptron.garbage_collection import heavy_imports
from perceptron.runs.lookup import find_run
from perceptron.terminal.status import show
from perceptron.terminal.text import say

COMMAND = Command(
    name="resume",
    summary="continue a run that was stopped or killed, with bit-identical results",
    details="It continues in its own folder, from its newest checkpoint, or from the start if it has none.",
    examples=(
        "run=logs/train/runs/<run>",
        "run=<run> trainer.max_epochs=200   # train a finished run for longer",
    ),
    arguments=(RUN, RUNS, TRUST),
    takes_settings=True,
)


def main(arguments: Sequence[str]) -> None:
    """Resume."""
    typed = COMMAND.read(arguments)
    run = find_run(typed["run"], among=Path(typed["runs"]), with_checkpoint=False)
    show("loading torch and lightning")
    if run.is_finished and not typed.settings:
        say(f"nothing to resume: the run is finished, {run.folder}")
        say("to train it for longer, set trainer.max_epochs; to see its results, type perceptron evaluate or report")
        return
    # Imported here, because it imports torch.
    with heavy_imports():
        from perceptron.composition.stored.resuming import resume

    resume(run, overrides=typed.settings, trust=typed.trusted())
