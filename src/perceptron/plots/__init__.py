"""Plots of plain arrays; no file here knows models, loggers or run folders."""
