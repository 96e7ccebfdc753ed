"""Opening files that somebody else may have prepared."""
