"""The figures of a run and of a sweep: what they are drawn from, and where they are written."""
