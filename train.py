"""Train, test and log a model: ``python train.py model=digits_mlp trainer.accelerator=gpu``."""

from perceptron.terminal.signals import ended_by_signals

if __name__ == "__main__":
    with ended_by_signals():
        # Here, because importing Hydra takes a while, in which a signal may come.
        from perceptron.composition.command_line import main

        main()
