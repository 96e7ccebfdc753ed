"""Rows of a file in, answers out, in chunks, so that files larger than memory work. Needs pandas and pyarrow."""
