"""Stored runs: their configuration, checked before use, and what can be done with them."""
