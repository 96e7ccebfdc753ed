"""A sweep whose jobs are trained side by side."""
