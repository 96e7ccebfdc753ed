"""Columns of any kind: what their cells mean, and how they become features. Needs pandas."""
