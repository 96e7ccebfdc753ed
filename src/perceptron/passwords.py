"""Passwords in URLs, which must not be stored or shown."""

import re

# The text between the colon after a user's name and the @, and a password among a URL's parameters.
_IN_URL = re.compile(r"(?<=://)([^\s:/@]*):([^\s/@]+)@|([?&](?:password|passwd|pwd)=)[^\s&'\"]+", re.IGNORECASE)


def has_password(text: str) -> bool:
    """Whether a text contains a URL with a password."""
    return _IN_URL.search(text) is not None


def without_password(text: str) -> str:
    """The text with each password of a URL replaced by ``***``."""
    return _IN_URL.sub(lambda found: f"{found[3]}***" if found[3] else f"{found[1]}:***@", text)
