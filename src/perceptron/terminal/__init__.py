"""The terminal and the other standard streams: safe text, closed pipes, signals."""
