"""Passwords in URLs, which must not be written down."""

import re

# What stands between a colon and the @ behind a user's name, and a password among a URL's options.
_IN_URL = re.compile(r"(?<=://)([^\s:/@]*):([^\s/@]+)@|([?&](?:password|passwd|pwd)=)[^\s&'\"]+", re.IGNORECASE)


def has_password(text: str) -> bool:
    """Whether a text has a URL with a password in it."""
    return _IN_URL.search(text) is not None


def without_password(text: str) -> str:
    """A text with ``***`` in place of each password of a URL."""
    return _IN_URL.sub(lambda found: f"{found[3]}***" if found[3] else f"{found[1]}:***@", text)
