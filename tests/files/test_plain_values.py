import json
import stat
from pathlib import Path

import pytest

from perceptron.files.plain_values import map_texts, nested_values, write_json
from perceptron.files.writing import atomic_file, write_text


def test_a_file_takes_its_place_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "one")
    write_text(path, "twö")
    assert path.read_text(encoding="utf-8") == "twö"
    assert list(tmp_path.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) & stat.S_IRUSR


def test_after_an_exception_what_stood_there_still_stands(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail_half_way() -> None:
        with atomic_file(path) as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_holds_null_for_what_is_not_finite(tmp_path: Path) -> None:
    write_json(tmp_path / "m.json", {"a": float("nan"), "b": [float("inf"), 1.5], "c": {"d": "é"}})
    assert json.loads((tmp_path / "m.json").read_text(encoding="utf-8")) == {
        "a": None,
        "b": [None, 1.5],
        "c": {"d": "é"},
    }


def test_nested_values_have_the_keys_of_settings() -> None:
    values = {"a": {"b": [1, {"c": "x"}]}, "d": None}
    assert [key for key, _ in nested_values(values)] == ["", "a", "a.b", "a.b", "a.b", "a.b.c", "d"]
    assert [value for key, value in nested_values(values, "g") if key == "g.a.b.c"] == ["x"]
    assert [key for key, _ in nested_values(values, without=lambda key, _: key == "a.b")] == ["", "a", "d"]


def test_texts_are_replaced_and_keys_are_not() -> None:
    assert map_texts({"a": ["a", 1, {"b": "a"}]}, str.upper) == {"a": ["A", 1, {"b": "A"}]}
