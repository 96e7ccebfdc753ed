"""Where a progress bar can be shown."""

from importlib.util import find_spec

from rich.console import Console


def shows_bars(console: Console) -> bool:
    """Whether a console is a terminal, or a notebook's with ipywidgets, which a bar needs there."""
    return console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None)
