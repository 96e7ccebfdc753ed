"""``perceptron resume``: let a run that was stopped go on in its folder, as if it never had been."""

from collections.abc import Sequence

from perceptron.commands.arguments import read_arguments
from perceptron.garbage_collection import heavy_imports
from perceptron.runs.find import find_run

USAGE = """\
Let a run that was stopped or killed go on in its folder; it ends with the same bits.

  perceptron resume run=logs/train/runs/<run>        from its newest checkpoint, or from the start where there is none
  perceptron resume                                  the run that was started last
  perceptron resume run=<run> trainer.max_epochs=200 a finished run, for longer

  run=<folder>|latest|best  runs=<folder that latest and best choose from>  trust=[<class>,...]"""


def main(arguments: Sequence[str]) -> None:
    """Resume."""
    typed = read_arguments(arguments, {}, usage=USAGE)
    if typed is None:
        return
    run = find_run(typed.text("run"), among=typed.among, with_checkpoint=False)
    # Here, because it imports torch.
    with heavy_imports():
        from perceptron.composition.stored.resuming import resume

    resume(run, overrides=typed.overrides, trust=typed.trust)
