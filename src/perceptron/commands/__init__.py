"""The commands ``perceptron <command>``: a file for each, with its ``COMMAND`` and ``main(arguments)``."""
