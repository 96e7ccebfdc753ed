"""The jobs of a sweep, the statistics of many runs, and their ranking as tables."""
