"""Sweepers that Hydra finds: it looks for plugins in this namespace alone."""
