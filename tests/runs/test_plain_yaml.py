from copy import deepcopy
from typing import Any

import pytest
from omegaconf import OmegaConf

from perceptron.runs.plain_yaml import YamlSeries, as_yaml


@pytest.mark.parametrize(
    "text",
    [
        "y", "N", "yes", "null", "~", "1e-3", "1_000", "1_", ".5", "inf", "nan", "0x10", "1:30", "2001-01-01", "=", "",
        " led", "a: b", "#x", "- x", "it's", 'say "hi"', "back\\slash", "two\nlines", "tab\tbed", "\a", "é", "😀",
        "a\x85b", "word " * 40, 'a "quoted" word, a\ttab ' * 9,
    ],
)  # fmt: skip
def test_yaml_is_omegaconfs_to_the_byte(text: str) -> None:
    values = {"text": text, "list": [text, 1, 1e-7, None, True, [], {}], "inner": {"text": text, "nothing": None}}
    values |= {"keys": {text: text, "inner": {text: [text]}}}
    expected = OmegaConf.to_yaml(OmegaConf.create(values))
    assert as_yaml(values) == expected
    assert YamlSeries().text(values) == expected


def test_a_series_writes_each_as_if_it_were_alone() -> None:
    shared: dict[str, Any] = {"words": ["word " * 40, 1], "deep": {"text": "word " * 40, "1e3": "on"}, "empty": {}}
    series = YamlSeries()
    for seed in range(3):
        # Where it lies decides how its texts are folded, and it may be elsewhere in the next.
        values = {"seed": seed, "here": shared, "deeper": {"a": {"b": {"seed": seed, "there": shared}}}, "deep": {}}
        values["deep" if seed == 1 else "other"] = shared["deep"]
        assert series.text(values) == as_yaml(deepcopy(values))
    # The first again, an equal one, and one that shares its children.
    for part in (shared, deepcopy(shared), shared | {"more": 1}, shared):
        assert series.text({"seed": 0, "here": part}) == as_yaml({"seed": 0, "here": part})
    # Keys that do not stand in one line.
    for odd in ({"a key " * 30: shared}, {"two\nlines": shared}, {1: shared}, {"here": {None: shared}}):
        assert series.text(odd) == as_yaml(odd)
