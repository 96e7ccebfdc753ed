"""What differs where Python runs in a notebook. Imports nothing heavy."""

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    kernel: Any = sys.modules.get("ipykernel.kernelapp")
    return kernel is not None and bool(kernel.IPKernelApp.initialized())


def shows_bars(console: "Console") -> bool:
    """Whether a console is a terminal, or a notebook's with ipywidgets, which a bar needs there."""
    return console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None)
