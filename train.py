"""Train, test and log a model: ``python train.py model=digits_mlp trainer.accelerator=gpu``."""

from perceptron.terminal.signals import ended_by_signals
from perceptron.terminal.status import status_line

if __name__ == "__main__":
    with ended_by_signals(), status_line("reading the settings"):
        # Here, because importing Hydra takes a while, in which a signal may come.
        from perceptron.composition.command_line import main

        main()
