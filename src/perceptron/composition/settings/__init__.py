"""The settings: their types, ranges, spelling and help."""
