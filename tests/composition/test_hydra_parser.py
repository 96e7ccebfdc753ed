import argparse
from typing import Any

import pytest
from hydra._internal.utils import get_args_parser

from perceptron.composition.hydra_parser import text_as_help


@pytest.fixture
def _python_3_14(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argparse expands a help text as soon as it is added: https://github.com/python/cpython/issues/65865."""
    add_argument = argparse.ArgumentParser.add_argument

    def add_checked(parser: argparse.ArgumentParser, *names: str, **options: Any) -> argparse.Action:
        try:
            if options.get("help"):
                "%" in options["help"]  # noqa: B015
        except TypeError as error:
            raise ValueError("badly formed help string") from error
        return add_argument(parser, *names, **options)

    monkeypatch.setattr(argparse.ArgumentParser, "add_argument", add_checked)


@pytest.mark.usefixtures("_python_3_14")
def test_hydra_still_needs_the_mend() -> None:
    """When this fails, delete hydra_parser.py: Hydra's help is a text."""
    with pytest.raises(ValueError, match="badly formed help string"):
        get_args_parser()


@pytest.mark.usefixtures("_python_3_14")
def test_hydra_makes_its_parser_and_argparse_is_as_it_was() -> None:
    before = argparse.ArgumentParser.add_argument
    with text_as_help():
        text = get_args_parser().format_help()
    assert "shell completion" in text
    assert argparse.ArgumentParser.add_argument is before


@pytest.mark.usefixtures("_python_3_14")
@pytest.mark.parametrize(("typed", "shown"), [("--hydra-help", "== Flags =="), ("--cfg=job", "seed: 0")])
def test_training_reads_its_command_line(perceptron: Any, typed: str, shown: str) -> None:
    answer = perceptron("train", *typed.split("="))
    assert (answer.status, answer.err) == (0, "")
    assert shown in answer.out


def test_where_objects_are_taken_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = argparse._ActionsContainer.add_argument
    monkeypatch.setattr(argparse.ArgumentParser, "add_argument", plain, raising=False)
    with text_as_help():
        assert argparse.ArgumentParser.add_argument is plain
