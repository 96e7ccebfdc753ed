"""Hydra's command-line parser under Python 3.14. Imports nothing heavy."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_HELP = "Install or uninstall shell completion, as in --shell-completion install=bash"


@contextmanager
def text_as_help() -> Iterator[None]:
    """Let Hydra make its parser where argparse takes nothing but a text for a help, as it does since Python 3.14.

    Hydra 1.3 has an object for --shell-completion, and makes the parser both in ``hydra.main`` and to complete a
    command line: neither has an argument to replace it by. Elsewhere this changes nothing.
    """
    if _takes_objects():
        yield
        return
    add_argument = argparse.ArgumentParser.add_argument

    def add_with_text(parser: argparse.ArgumentParser, *names: str, **options: Any) -> argparse.Action:
        if not isinstance(options.get("help"), str | None):
            options["help"] = _HELP
        return add_argument(parser, *names, **options)

    argparse.ArgumentParser.add_argument = add_with_text  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        argparse.ArgumentParser.add_argument = add_argument  # type: ignore[method-assign]


def _takes_objects() -> bool:
    try:
        argparse.ArgumentParser().add_argument("--any", help=object())  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True
