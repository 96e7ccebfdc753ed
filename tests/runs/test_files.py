import json
import stat
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from perceptron.runs.files import as_yaml, whole_file, write_json, write_text


def test_a_file_takes_its_place_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "one")
    write_text(path, "twö")
    assert path.read_text() == "twö"
    assert list(tmp_path.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) & stat.S_IRUSR


def test_after_an_exception_what_stood_there_still_stands(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail_half_way() -> None:
        with whole_file(path) as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_holds_null_for_what_is_not_finite(tmp_path: Path) -> None:
    write_json(tmp_path / "m.json", {"a": float("nan"), "b": [float("inf"), 1.5], "c": {"d": "é"}})
    assert json.loads((tmp_path / "m.json").read_text()) == {"a": None, "b": [None, 1.5], "c": {"d": "é"}}


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
    assert as_yaml(values) == OmegaConf.to_yaml(OmegaConf.create(values))
