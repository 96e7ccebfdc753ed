"""Training and evaluating with objects and plain values: no part of it knows the configuration system."""
