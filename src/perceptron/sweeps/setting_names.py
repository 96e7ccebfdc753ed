"""How settings and jobs are named for people. Imports nothing heavy."""

import re
from collections.abc import Sequence

from perceptron.sweeps.job_folders import texts_of_settings

# A decimal number, and no part of a name, a version or a path.
_FRACTION = re.compile(r"(?<![\w./-])-?\d+\.\d+(e[+-]?\d+)?(?![\w./-])")
# What a folder's name may hold on every system, whatever the encoding, and no shell and no terminal interprets.
_UNSAFE = re.compile(r"[^A-Za-z0-9_.,=+\[\]-]+")
# Windows takes 260 characters for a whole path.
_LONGEST_NAME = 80
# Characters of a setting that tell which it is.
_SHORTEST_CUT = 12


def short_names(columns: Sequence[str]) -> list[str]:
    """The last part of each name, such as ``lr`` of ``optimizer.lr``, or all of it if two end in the same."""
    last = [column.rpartition(".")[2] for column in columns]
    return [name if last.count(name) == 1 else column for name, column in zip(last, columns, strict=True)]


def shown_setting(value: str) -> str:
    """The value of a setting, which may be a list or follow a key and an equals sign; a fraction with four digits."""
    return _FRACTION.sub(lambda number: f"{float(number[0]):.4g}", value)


def job_name(overrides: Sequence[str], *, of_sweep: Sequence[str]) -> str:
    """A job's name by the settings that its sweep varies, such as ``lr=0.1,seed=2``; safe as the name of a folder.

    Args:
        overrides: of the job.
        of_sweep: those of its sweep's command line; what a job has in the same words does not vary.

    Returns:
        At most 80 characters of ASCII, of which long values leave room for the others; what was cut or replaced may
        make the names of two jobs equal. Empty if nothing varies.
    """
    fixed = {_squeezed(text) for text in of_sweep}
    settings = texts_of_settings([text for text in overrides if _squeezed(text) not in fixed])
    named = zip(short_names(list(settings)), settings.values(), strict=True)
    # Hydra needs quotes, people do not.
    words = [_UNSAFE.sub("_", re.sub("['\"]", "", f"{name}={shown_setting(value)}")) for name, value in named]
    # Windows drops a full stop at the end.
    return _shortened(words)[:_LONGEST_NAME].rstrip(".,")


def _shortened(words: Sequence[str]) -> str:
    """The words with commas between them, the longest cut so that all fit into the longest name, if they can."""
    room = _LONGEST_NAME - (len(words) - 1)
    for most in range(max(map(len, words), default=0), _SHORTEST_CUT - 1, -1):
        if sum(min(len(word), most) for word in words) <= room:
            return ",".join(_cut(word, most) for word in words)
    return ",".join(words)


def _cut(word: str, most: int) -> str:
    """A word cut in its middle, because paths differ at their ends."""
    half = most // 2
    return word if len(word) <= most else f"{word[: most - half - 2]}..{word[-half:]}"


def _squeezed(text: str) -> str:
    """A text without spaces, which Hydra leaves out of lists."""
    return "".join(text.split())
