"""The only place that knows Hydra: from a command line to plain objects."""
