"""Train, test and log a model: ``python train.py model=digits_mlp trainer.accelerator=gpu``."""

from perceptron.composition.command_line import main

if __name__ == "__main__":
    main()
