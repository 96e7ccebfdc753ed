from copy import deepcopy

import pytest
import yaml
from omegaconf import OmegaConf

from perceptron.runs.plain_yaml import as_yaml


@pytest.mark.parametrize(
    "text",
    [
        "y", "N", "yes", "null", "~", "1e-3", "1_000", "1_", ".5", "inf", "nan", "0x10", "1:30", "2001-01-01", "=", "",
        " led", "a: b", "#x", "- x", "it's", 'say "hi"', "back\\slash", "two\nlines", "tab\tbed", "\a", "é", "😀",
        "a\x85b", "word " * 40, 'a "quoted" word, a\ttab ' * 9, "${seed}",
    ],
)  # fmt: skip
def test_values_are_read_back_as_they_are(text: str) -> None:
    values = {"text": text, "list": [text, 1, 1e-7, None, True, [], {}], "inner": {"text": text, "nothing": None}}
    values |= {"keys": {text: text, "inner": {text: [text]}}, "again": values["list"]}
    written = as_yaml(values)
    assert yaml.safe_load(written) == values
    assert OmegaConf.to_container(OmegaConf.create(written)) == values


def test_ordinary_settings_are_written_as_omegaconf_writes_them() -> None:
    settings = {"seed": 1, "optimizer": {"lr": 1e-3, "betas": [0.9, 0.999]}, "rate": "1e-3", "tags": [], "path": None}
    assert as_yaml(settings) == OmegaConf.to_yaml(OmegaConf.create(settings))


def test_settings_written_before_are_told_apart_by_their_types() -> None:
    for value in (1, 1.0, True, "1", -0.0, 0.0, [1], {"lr": 1}, {"lr": True, "on": None}, {1: {"one": 2}}, {}):
        settings = {
            "optimizer": value,
            "model": {"optimizer": deepcopy(value), "on": value},
            "a key": {"two\nlines": value},
        }
        # Without copies, PyYAML would refer to the first.
        assert as_yaml(settings) == yaml.safe_dump(
            {key: deepcopy(own) for key, own in settings.items()}, sort_keys=False
        )
