"""A model as a file that needs nothing of this project to run."""
