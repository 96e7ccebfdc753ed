"""What many runs say together: their jobs, their statistics and their tables."""
