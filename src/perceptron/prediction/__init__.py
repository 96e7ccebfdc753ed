"""Rows of a file in, answers out, in chunks: a file larger than memory works. Needs pyarrow."""
