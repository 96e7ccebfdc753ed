"""Malformed tables: each one clear line, whole, status 2, no run folder left, by the command line as typed."""

import gzip
from pathlib import Path

import pandas as pd
import pytest
import yaml
from tests.conftest import Perceptron

from perceptron.data import table_from_files
from perceptron.errors import UsageError

TEXT = "a,b,y\n" + "".join(f"{i},{i * 7 % 5},{'pq'[i % 2]}\n" for i in range(40))
WIDE = "a,b,t,g,w,y\n" + "".join(f"{i},{i % 3},2024-01-{i % 28 + 1:02d},{i // 2},1,{i % 2}\n" for i in range(40))
TIMED = TEXT.replace("y", "y,t", 1).replace("p\n", "p,now\n").replace("q\n", "q,then\n")
ENDINGS = ".csv, .tsv, .parquet or .feather, the first two also with .gz, .bz2, .xz, .zst or .zip"
CELLS = "data.path must have 3 cells in every row, as in its first line"
QUOTES = "data.path must have every quote closed at the end of its cell"
TWICE = "mend it, and write a quote inside a cell twice"
PLAIN = "write them with a point and nothing else, or leave the column out with data.exclude"
NAMELESS = "give it one in the first line, and leave it out with data.exclude if it is none to learn from"
NO_COLUMN = "a table needs a column that varies over the training rows and that rows share values of, got none of a"

Settings = dict[str, str]

# What is wrong: content of the file, the file's name where it matters, settings, and the line, whole.
MALFORMED: dict[str, tuple[str | bytes | None, Settings, str]] = {
    # Files
    "no file": (None, {}, "data.path must be a file or a pattern of files, got t.csv, which is none; set data.path"),
    "no match": (
        None,
        {"path": "nothing-*.csv"},
        "data.path must be a file or a pattern of files, got nothing-*.csv, which is none; set data.path",
    ),
    "a folder": (
        None,
        {"path": "."},
        "data.path must be a file or a pattern of files, got the folder .; name its files, such as ./*.csv",
    ),
    "an ending": (TEXT, {"path": "t.xls"}, f"data.path must end in {ENDINGS}, got t.xls; name such a file"),
    "no ending": (TEXT, {"path": "t"}, f"data.path must end in {ENDINGS}, got t; name such a file"),
    "no gzip": (
        TEXT,
        {"path": "t.csv.gz"},
        "data.path must be a readable csv file, got Not a gzipped file (b'a,') in t.csv.gz; mend it",
    ),
    "half a gzip": (
        gzip.compress(TEXT.encode() * 50)[:60],
        {"path": "t.csv.gz"},
        "data.path must be a readable csv file, got Compressed file ended before the end-of-stream marker was reached "
        "in t.csv.gz; mend it",
    ),
    "no zip": (
        TEXT,
        {"path": "t.csv.zip"},
        "data.path must be a readable csv file, got File is not a zip file in t.csv.zip; mend it",
    ),
    "no parquet": (
        TEXT,
        {"path": "t.parquet"},
        "data.path must be a readable parquet file, got Could not open Parquet input source 't.parquet': Parquet magic "
        "bytes not found in footer. Either the file is corrupted or this is not a parquet file. in t.parquet; mend it",
    ),
    "no feather": (
        TEXT,
        {"path": "t.feather"},
        "data.path must be a readable feather file, got Not a Feather V1 or Arrow IPC file in t.feather; mend it",
    ),
    "no test file": (
        TEXT,
        {"data.test_path": "no.csv"},
        "data.test_path must be a file or a pattern of files, got no.csv, which is none; set data.test_path",
    ),
    "another test file": (
        TEXT,
        {"test": "a,y\n1,p\n"},
        "data.test_path=other.csv must name a column, got b, which is none; choose from a, y",
    ),
    "a short row in the test file": (
        TEXT,
        {"test": "a,b,y\n1,2,p\n3,4\n"},
        CELLS.replace("path", "test_path") + ", got 2 in line 3 of other.csv; mend it",
    ),
    # Text
    "an empty file": ("", {}, "data.path must start with the columns' names, got nothing in t.csv; name another"),
    "blank lines alone": (
        "\n\n\n",
        {},
        "data.path must start with the columns' names, got nothing in t.csv; name another",
    ),
    "names alone": ("a,b,y\n", {}, "data.path must have rows, got none in t.csv; name another file"),
    "no names": (
        "1,2,3\n4,5,6\n",
        {},
        "data.path must have a first line with the columns' names, got numbers alone in t.csv; add it",
    ),
    "an unnamed column": (
        "a,,y\n1,2,3\n",
        {},
        "data.path must have a name for every column, got none for column 1 in t.csv; " + NAMELESS,
    ),
    "separators at the ends": (
        TEXT.replace("\n", ",\n"),
        {},
        "data.path must have a name for every column, got none for column 3 in t.csv; " + NAMELESS,
    ),
    "a name twice": ("a,a,y\n1,2,3\n", {}, "data.path must have each column once, got a twice in t.csv; rename one"),
    "a name twice but for a blank": (
        "a,a ,y\n1,2,3\n",
        {},
        "data.path must have each column once, got a twice in t.csv; rename one",
    ),
    "a short row": (TEXT + "1,2\n", {}, f"{CELLS}, got 2 in line 42 of t.csv; mend it"),
    "a shorter row": (TEXT + "1\n" + TEXT[6:], {}, f"{CELLS}, got 1 in line 42 of t.csv; mend it"),
    "a short row behind blank and broken lines": (
        'a,b,y\n\n1,"x\ny",p\n   \n3,4\n',
        {},
        f"{CELLS}, got 2 in line 6 of t.csv; mend it",
    ),
    "a short row in a compressed file": (
        gzip.compress((TEXT + "1,2\n").encode()),
        {"path": "t.csv.gz"},
        f"{CELLS}, got 2 in line 42 of t.csv.gz; mend it",
    ),
    "a long row": (TEXT + "1,2,3,4,5\n", {}, f"{CELLS}, got 5 in line 42 of t.csv; mend it"),
    "longer rows": ("a,b,y\n" + "1,2,3,4\n" * 9, {}, f"{CELLS}, got 4 in line 2 of t.csv; mend it"),
    "separators at the rows' ends": ("a,b,y\n" + "1,2,p,\n" * 9, {}, f"{CELLS}, got 4 in line 2 of t.csv; mend it"),
    "commas and semicolons": ("a,b,y\n" + "1;2;p\n" * 9, {}, f"{CELLS}, got 1 in line 2 of t.csv; mend it"),
    "an open quote": (
        TEXT + '"1,2,3\n',
        {},
        f"{QUOTES}, got unexpected end of data in the row that starts in line 42 of t.csv; {TWICE}",
    ),
    "a quote that closes too late": (
        TEXT + '"1,2,p\n3,4,"q"\n',
        {},
        f"{QUOTES}, got ',' expected after '\"' in the row that starts in line 42 of t.csv; {TWICE}",
    ),
    "latin-1": (
        TEXT.replace("p", "Zürich").encode("latin-1"),
        {},
        "data.path must be UTF-8 text, got the byte 0xfc in line 2 of t.csv; save it as UTF-8",
    ),
    "utf-16": (
        TEXT.encode("utf-16"),
        {},
        "data.path must be UTF-8 text, got the byte 0xff in line 1 of t.csv; save it as UTF-8",
    ),
    "a null byte": (
        TEXT + "1,\0,p\n",
        {},
        "data.path must be UTF-8 text, got a null byte in line 42 of t.csv; save it as UTF-8",
    ),
    # Cells
    "thousands": (
        "a,y\n" + '"1,234.50",p\n12,q\n' * 20,
        {},
        f"column a must hold numbers as 1234.5, got '1,234.50' in row 0; {PLAIN}",
    ),
    "thousands with points": (
        "a;y\n" + "1.234,50;p\n12,5;q\n" * 20,
        {},
        f"column a must hold numbers as 1234.5, got '1.234,50' in row 0; {PLAIN}",
    ),
    "decimal commas in quotes": (
        "a,y\n" + '3,p\n"1,5",q\n' * 20,
        {},
        f"column a must hold numbers as 1234.5, got '1,5' in row 1; {PLAIN}",
    ),
    "percentages": (
        "a,y\n" + "12 %,p\n3%,q\n" * 20,
        {},
        f"column a must hold numbers as 1234.5, got '12 %' in row 0; {PLAIN}",
    ),
    "a target with thousands": (
        "a,y\n" + "".join(f'{i},"{i + 1},000"\n' for i in range(40)),
        {},
        f"column y must hold numbers as 1234.5, got '1,000' in row 0; {PLAIN}",
    ),
    "infinity": (
        "a,b,y\n" + "1,inf,p\n2,3,q\n" * 20,
        {},
        "every number must be finite, got inf in column b; mend such rows",
    ),
    "a huge number": (
        TEXT.replace("\n5,", "\n1e300,"),
        {},
        "every number must be finite in float32, got 1e+300 in column a, row 5; mend or leave out such rows",
    ),
    # Columns
    "another target": (TEXT, {"data.target": "yy"}, "data.target must name a column, got yy, which is none; did you "
                       "mean y?"),
    "only the target": (
        "y\n" + "p\nq\n" * 20,
        {},
        "a table needs a column beside the target, got none in t.csv; name other columns",
    ),
    "nothing varies": ("a,y\n" + "1,p\n1,q\n" * 20, {}, f"{NO_COLUMN}; choose other data.features"),
    "all missing": ("a,y\n" + ",p\n,q\n" * 20, {}, f"{NO_COLUMN}; choose other data.features"),
    "another feature": (
        TEXT,
        {"data.features": "[a,c]"},
        "data.features must name a column, got c, which is none; choose from a, b, y",
    ),
    "the target as feature": (
        TEXT,
        {"data.features": "[a,y]"},
        "data.features must not hold the target, got y; leave it out",
    ),
    "a feature twice": (
        TEXT,
        {"data.features": "[a,a]"},
        "data.features must name each column once, got one twice; leave it out",
    ),
    "features and exclude": (
        TEXT,
        {"data.features": "[a]", "data.exclude": "[b]"},
        "data.features and data.exclude must not both be set, got both; keep one of them",
    ),
    "another exclude": (
        TEXT,
        {"data.exclude": "[z]"},
        "data.exclude must name a column, got z, which is none; choose from a, b, y",
    ),
    # Targets
    "a target's gap": (
        TEXT + "1,2,\n",
        {},
        "the target must be known in every row, got 1 row without; set data.missing_target=drop to leave such rows out",
    ),
    "a row of separators": (
        TEXT + ",,\n",
        {},
        "the target must be known in every row, got 1 row without; set data.missing_target=drop to leave such rows out",
    ),
    "one class": (
        "a,y\n" + "1,p\n2,p\n" * 20,
        {},
        "a classification needs at least two classes, got only 'p'; choose other data or data.task=regression",
    ),
    "texts as target": (
        "a,y\n" + "".join(f"{i},t{i}\n" for i in range(60)),
        {},
        "a target must be classes or numbers, got 60 different texts in 60 rows of y; name another data.target",
    ),
    "a class of one": (
        TEXT + "1,2,r\n",
        {},
        "every class must have at least 3 rows, one for each of training, validation and test, got r with 1 row; leave "
        "such rows out, or set data.val_fraction=0 and data.test_fraction=0",
    ),
    "no numbers to regress": (
        TEXT,
        {"data.task": "regression"},
        "target y must be numbers for data.task=regression, got could not convert string to float: 'p'; "
        "leave data.task out",
    ),
    "three classes of two": (
        TEXT + "1,2,r\n" * 9,
        {"data.task": "binary"},
        "data.task=binary needs two classes, got 3; set data.task=auto or multiclass",
    ),
    "two classed targets": (
        WIDE,
        {"data.target": "[y,g]", "data.task": "multiclass"},
        "several targets must be continuous, got data.task=multiclass for y, g; name one target",
    ),
    # Groups, time, weights
    "another group": (WIDE, {"data.group": "gg"}, "data.group must name a column, got gg, which is none; did you mean "
                      "g?"),
    "the target as group": (
        WIDE,
        {"data.group": "y"},
        "data.group must be another column than the target, got y; set data.group",
    ),
    "too few groups": (
        WIDE,
        {"data.group": "b", "data.test_fraction": "0.7", "data.val_fraction": "0.2"},
        "data.test_fraction=0.7 must leave groups for training, got 3 of 3; lower it",
    ),
    "group and time": (
        WIDE,
        {"data.group": "g", "data.time": "t"},
        "data.time splits alone, got data.group, data.test_path or data.folds beside it; leave it or them out",
    ),
    "another time": (TEXT, {"data.time": "b2"}, "data.time must name a column, got b2, which is none; did you mean b?"),
    "time of texts": (
        TIMED,
        {"data.time": "t"},
        "data.time=t must be numbers or dates such as 2026-01-31, got 'now' in row 0; mend it",
    ),
    "time without order": (
        WIDE,
        {"data.time": "w"},
        "data.val_fraction needs rows of a time of its own, got 1 different times for all sides; change the fractions "
        "or leave data.time out",
    ),
    "a negative weight": (
        WIDE.replace(",1,0\n", ",-1,0\n"),
        {"data.weight": "w"},
        "data.weight=w must be numbers of at least 0, some of them above, got others; mend the column",
    ),
    "weights of texts": (
        WIDE.replace(",1,0\n", ",much,0\n"),
        {"data.weight": "w"},
        "data.weight=w must be numbers of at least 0, some of them above, got others; mend the column",
    ),
    "a weight's gap": (
        WIDE.replace(",1,0\n", ",,0\n"),
        {"data.weight": "w"},
        "data.weight=w must be known in every row, got 20 rows without; leave such rows out",
    ),
}  # fmt: skip


COLUMNS: dict[str, tuple[object, str]] = {
    "lists": (
        [[1, 2], [3]] * 20,
        "column a must hold a single value in every row, got several in row 0; make a column of each, or leave the "
        "column out with data.exclude",
    ),
    "structures": (
        [{"p": 1, "q": 2}] * 40,
        "column a must hold a single value in every row, got several in row 0; make a column of each, or leave the "
        "column out with data.exclude",
    ),
    "lengths of time": (
        pd.to_timedelta(range(40), unit="s"),
        "column a must hold numbers, texts, truths or dates, got lengths of time; make them numbers of one unit, or "
        "leave the column out with data.exclude",
    ),
}


@pytest.fixture(params=[*MALFORMED, *COLUMNS])
def malformed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Settings, str]:
    """Settings that name a malformed table in the working folder, and the line that they must give."""
    monkeypatch.chdir(tmp_path)
    settings = {"data.path": "t.csv", "data.target": "y"}
    if request.param in COLUMNS:
        column, line = COLUMNS[request.param]
        pd.DataFrame({"a": column, "b": range(40), "y": ["p", "q"] * 20}).to_parquet("t.parquet")
        return settings | {"data.path": "t.parquet"}, line
    content, own, line = MALFORMED[request.param]
    settings |= {f"data.{key.removeprefix('data.')}": value for key, value in own.items() if key != "test"}
    if content is not None:
        Path(settings["data.path"]).write_bytes(content if isinstance(content, bytes) else content.encode())
    if "test" in own:
        Path("other.csv").write_text(own["test"], encoding="utf-8")
        settings["data.test_path"] = "other.csv"
    return settings, line


def test_it_is_refused_in_one_clear_line(malformed: tuple[Settings, str]) -> None:
    settings, line = malformed
    plain = {key.removeprefix("data."): yaml.safe_load(value) for key, value in settings.items()}
    with pytest.raises(UsageError) as caught:
        table_from_files(**plain).setup()
    assert str(caught.value) == line
    assert "\n" not in line


@pytest.mark.slow
def test_the_command_line_says_it_and_leaves_nothing(malformed: tuple[Settings, str], perceptron: Perceptron) -> None:
    settings, line = malformed
    before = _files()
    arguments = [f"{key}={value}" for key, value in settings.items()]
    answer = perceptron("train", "data=table", *arguments, "logger=none", "figures=none", "paths.log_dir=logs")
    assert answer == (2, "", f"error: {line}\n")
    assert _files() == before


def _files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def test_there_are_more_than_forty_of_them() -> None:
    assert len(MALFORMED) >= 60
