"""What ``perceptron <command>`` does: a file per command, each with ``main(arguments)``."""
