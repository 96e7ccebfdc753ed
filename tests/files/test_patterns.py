import re
from pathlib import Path

import pytest

from perceptron.errors import UsageError
from perceptron.files.patterns import matching_files


def test_a_pattern_names_files_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "data[1]"
    folder.mkdir()
    for name in ("b.csv", "a.csv", "c[1].csv"):
        (folder / name).touch()
    assert [file.name for file in matching_files("*.csv", "data.path", folder=folder)] == ["a.csv", "b.csv", "c[1].csv"]
    # The characters of patterns stand for themselves where there is such a file.
    assert matching_files("c[1].csv", "data.path", folder=folder) == [folder / "c[1].csv"]
    assert matching_files(str(folder / "a.csv"), "data.path") == [folder / "a.csv"]


@pytest.mark.parametrize("path", ["~nobody_of_this_name/a.csv", "no.csv", "*.nothing"])
def test_what_names_none_is_refused(path: str, tmp_path: Path) -> None:
    told = f"data.path must be a file or a pattern of files, got {path}, which is none; set data.path"
    with pytest.raises(UsageError, match=re.escape(told)):
        matching_files(path, "data.path", folder=tmp_path)


def test_a_name_that_no_system_takes(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"data\.path must be a file"):
        matching_files("n" * 5000, "data.path", folder=tmp_path)
