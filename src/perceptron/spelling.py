"""The nearest valid name for a misspelt one."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(wrong: str, valid: Iterable[str], *, most: int | None = None) -> str:
    """The end of an error message: the nearest valid name, or all valid names if none is near.

    The nearest is a name with the same letters in another order, else a name that the wrong one begins with
    (``val/acc`` for ``val/accuracy``), else the most similar.

    Args:
        wrong: as typed.
        valid: valid names.
        most: largest number of names to list if none is near; None for all.
    """
    names = sorted(valid)
    swapped = [name for name in names if sorted(name) == sorted(wrong)]
    begun = [name for name in names if len(name) > 2 and wrong.startswith(name)]
    near = swapped or begun or get_close_matches(wrong, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    if not names:
        return "there is nothing to choose from"
    told = names[:most]
    others = f" and {len(names) - len(told)} more" if len(told) < len(names) else ""
    return f"choose from {', '.join(told)}{others}"
