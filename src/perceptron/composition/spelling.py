"""The nearest valid name for a misspelt one."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(wrong: str, valid: Iterable[str]) -> str:
    """The end of an error message: the nearest valid name, or all of them where none is near."""
    names = sorted(valid)
    near = get_close_matches(wrong, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    return f"choose from {', '.join(names)}" if names else "there is nothing to choose from"
