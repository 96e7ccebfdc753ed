"""Runs that are finished, made to work again from what they left."""
