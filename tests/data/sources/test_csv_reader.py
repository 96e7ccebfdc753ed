"""CSV as people write it: what is understood, and as what. What is refused: tests/system/test_malformed_tables.py."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from perceptron.data import table_from_files
from perceptron.data.columns.encoding import as_texts, encode, encoded_names, from_texts
from perceptron.data.columns.kinds import kind_of
from perceptron.data.columns.missing_texts import Missing
from perceptron.data.sources import csv_reader
from perceptron.data.sources.csv_columns import read_csv
from perceptron.data.sources.csv_reader import separator_of
from perceptron.errors import UsageError
from perceptron.prediction.input_rows import read_rows

PLAIN = "a,b,y\n1,2.5,p\n3,,q\n"
SAME = {
    "semicolons": PLAIN.replace(",", ";"),
    "semicolons and decimal commas": PLAIN.replace(",", ";").replace("2.5", "2,5"),
    "tabs": PLAIN.replace(",", "\t"),
    "bars": PLAIN.replace(",", "|"),
    "windows' line ends": PLAIN.replace("\n", "\r\n"),
    "old line ends": PLAIN.replace("\n", "\r"),
    "no last line end": PLAIN.rstrip(),
    "a byte order mark": "\ufeff" + PLAIN,
    "a byte order mark and quotes": "\ufeff" + PLAIN.replace("a", '"a"', 1),
    "blank lines": "\n\n" + PLAIN.replace("\n", "\n   \n\n"),
    "blanks around cells": "a, b , y\n 1, 2.5, p\n3, NA, q\n",
    "quotes": '"a","b","y"\n"1","2.5","p"\n"3","","q"\n',
    "quotes behind blanks": PLAIN.replace(",q", ', "q"'),
    "words for missing": PLAIN.replace("3,,", "3,null,"),
}


@pytest.mark.parametrize("how", SAME)
def test_the_same_table_however_it_is_written(how: str, tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(SAME[how].encode())
    got = read_csv(file, "data.path")
    pd.testing.assert_frame_equal(got, pd.DataFrame({"a": [1, 3], "b": [2.5, None], "y": ["p", "q"]}))


def test_cells_hold_separators_line_ends_and_quotes(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text('a,"b, ""c"""\n"x\ny",5" screw\n"1,5","say ""no"""\n', encoding="utf-8")
    got = read_csv(file, "data.path")
    assert got.to_dict("list") == {"a": ["x\ny", "1,5"], 'b, "c"': ['5" screw', 'say "no"']}


def test_decimal_commas_are_mended_cell_by_cell(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a;b;c\n-1,5;1,5e3;True\n,25;red;\n7;2;False\n", encoding="utf-8")
    got = read_csv(file, "data.path")
    assert got.a.tolist() == [-1.5, 0.25, 7.0]
    assert got.b.tolist() == ["1.5e3", "red", "2"]
    assert got.c.tolist()[::2] == [True, False]
    # Between commas it may be a list: nothing is touched.
    file.write_text('a,b\n"1,5",2\n', encoding="utf-8")
    assert read_csv(file, "data.path").a.tolist() == ["1,5"]


def test_leading_zeros_stay(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text(
        'code, "quoted",number,decimal,date,text,other\n'
        "123,1,1,0.5,2020-01-05,x01,1\n"
        ',"1",2,00.7,2020-01-06, 0,NA\n'
        '\n007 , "020",10,07.5,2020-01-07,01a,0120\n',
        encoding="utf-8",
    )
    got = read_csv(file, "data.path")
    assert [text.strip() for text in got.code.dropna()] == ["123", "007"]
    assert got.quoted.tolist() == ["1", "1", "020"]
    assert got.number.tolist() == [1, 2, 10]
    assert got.decimal.tolist() == [0.5, 0.7, 7.5]
    assert got.other.dropna().tolist() == ["1", "0120"]
    assert [kind_of(got[name]) for name in got.columns] == [
        "category", "number", "number", "number", "date", "category", "number",
    ]  # fmt: skip


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_codes_are_the_same_in_training_and_to_be_predicted(separator: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "\n".join(["a,b,y", *(f"{['007', '012', '700'][i % 3]},{i},{'pq'[i % 2]}" for i in range(60))]),
        encoding="utf-8",
    )
    data = table_from_files(path=str(tmp_path / "t.csv"), target="y")
    assert data.schema.feature_names == ("a=007", "a=012", "a=700", "b")
    rows = tmp_path / "rows.csv"
    rows.write_text("a,b\n700,1\n7,2\n007,3\n".replace(",", separator), encoding="utf-8")
    (chunk,) = read_rows(rows, features=data.schema.feature_names, encoding=data.schema.encoding)
    assert chunk.features[:, :3].tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]


def test_zstandard_and_a_zip_of_two(tmp_path: Path) -> None:
    with pa.output_stream(str(tmp_path / "t.csv.zst"), compression="zstd") as stream:
        stream.write(PLAIN.encode())
    assert read_csv(tmp_path / "t.csv.zst", "data.path").shape == (2, 3)
    with zipfile.ZipFile(tmp_path / "t.csv.zip", "w") as archive:
        archive.writestr("a.csv", PLAIN)
        archive.writestr("b.csv", PLAIN)
    with pytest.raises(UsageError, match=r"must hold one file in a \.zip, got 2"):
        read_csv(tmp_path / "t.csv.zip", "data.path")


def test_separators_in_quoted_names_do_not_count() -> None:
    assert separator_of('"a;b;c;d",x,y') == ","
    assert separator_of("a") == ","


NUMBERS = "a,b\n1,2.5\n3,-4e-1\n"
SAME_NUMBERS = {
    "no names": "1,2.5\n3,-4e-1\n",
    "semicolons": NUMBERS.replace(",", ";"),
    "semicolons and decimal commas": NUMBERS.replace(",", ";").replace(".", ","),
    "semicolons and decimal commas without names": "1;2,5\n3;-4e-1\n",
    "tabs": NUMBERS.replace(",", "\t"),
    "bars": NUMBERS.replace(",", "|"),
    "windows' line ends": NUMBERS.replace("\n", "\r\n"),
    "old line ends": NUMBERS.replace("\n", "\r"),
    "no last line end": NUMBERS.rstrip(),
    "a byte order mark": "\ufeff" + NUMBERS,
    "a byte order mark without names": "\ufeff1,2.5\n3,-4e-1\n",
    "blank lines": "\n\n" + NUMBERS.replace("\n", "\n   \n\n"),
    "blanks around cells": "a, b \n 1, 2.5 \n3, -4e-1\n",
    "quotes": '"a","b"\n"1","2.5"\n"3","-4e-1"\n',
}


@pytest.mark.parametrize("how", SAME_NUMBERS)
def test_plain_numbers_to_be_predicted_are_the_same_however_written(how: str, tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(SAME_NUMBERS[how].encode())
    (chunk,) = read_rows(file, features=["a", "b"])
    np.testing.assert_array_equal(chunk.features, [[1, 2.5], [3, -0.4]])
    with file.open("rb") as stdin:
        (chunk,) = read_rows(None, features=["a", "b"], stdin=stdin)
    np.testing.assert_array_equal(chunk.features, [[1, 2.5], [3, -0.4]])


@pytest.mark.parametrize("how", SAME)
def test_rows_to_be_predicted_are_the_same_however_written(how: str, tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(SAME[how].encode())
    codes = [{"column": "a", "kind": "number", "missing": False, "fill": 0.0},
             {"column": "b", "kind": "number", "missing": True, "fill": 0.0},
             {"column": "y", "kind": "category", "missing": False, "values": ["p", "q"], "other": False}]  # fmt: skip
    (chunk,) = read_rows(file, features=encoded_names(codes), encoding=as_texts(codes))
    np.testing.assert_array_equal(chunk.features, [[1, 2.5, 0, 1, 0], [3, 0, 1, 0, 1]])


def test_a_name_over_two_lines(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text('"a\n, long";b\n1;2\n', encoding="utf-8")
    (chunk,) = read_rows(file, features=["b", "a\n, long"])
    assert chunk.features.tolist() == [[2, 1]]


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst", "zip"])
def test_compressed_rows_to_be_predicted(kind: str, tmp_path: Path) -> None:
    file = tmp_path / f"t.csv.{kind}"
    if kind == "zst":
        with pa.output_stream(str(file), compression="zstd") as stream:
            stream.write(NUMBERS.encode())
    else:
        pd.DataFrame({"a": [1, 3], "b": [2.5, -0.4]}).to_csv(file, index=False, sep=";")
    (chunk,) = read_rows(file, features=["a", "b"])
    np.testing.assert_array_equal(chunk.features, [[1, 2.5], [3, -0.4]])
    os.truncate(file, file.stat().st_size // 2)
    with pytest.raises(UsageError, match=r"input must be a readable CSV, Parquet or Feather file, got .* in .*t\.csv"):
        list(read_rows(file, features=["a", "b"]))


@pytest.mark.parametrize("cell", ["red", "1.5.5", "NA", "1,5,5"])
def test_a_cell_that_is_no_number_is_named(cell: str, tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text(f"a;b\n1;2\n3;{cell}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=f"got '{cell}' in column b, row 1, in .*; encode it as numbers"):
        list(read_rows(file, features=["a", "b"]))


def test_rows_to_be_predicted_are_read_as_those_of_training(tmp_path: Path) -> None:
    lines = [f'{i},{i % 9}.5,"{"xyz"[i % 3]}\nline",{"pq"[i % 2]}\n' for i in range(60)]
    (tmp_path / "t.csv").write_text("a,b,c,y\n" + "".join(lines), encoding="utf-8")
    data = table_from_files(path=str(tmp_path / "t.csv"), target="y")
    codes = from_texts(data.schema.encoding)
    want = encode(pd.DataFrame({"a": [1, 2], "b": [2.5, None], "c": ["x\nline", None]}), codes)
    for name, text in {
        "commas": 'a,b,c\n1, 2.5 ,"x\nline"\n2, NA,\n',
        "semicolons": 'a;b;c\n1;2,5;"x\nline"\n2;null; \n',
        "tabs": 'a\tb\tc\n1\t2,5\t"x\nline"\n2\t\t\n',
    }.items():
        file = tmp_path / f"{name}.csv"
        file.write_text(text, encoding="utf-8")
        (chunk,) = read_rows(file, features=data.schema.feature_names, encoding=data.schema.encoding)
        assert chunk.features.tolist() == want.tolist(), name


def test_a_quoted_empty_cell_is_a_row_and_a_blank_line_is_none(tmp_path: Path) -> None:
    codes = [{"column": "a", "kind": "category", "missing": True, "values": ["x"], "other": False}]
    file = tmp_path / "t.csv"
    file.write_text('a\nx\n""\n\n   \nx\n', encoding="utf-8")
    (chunk,) = read_rows(file, features=["a=x", "a=missing"], encoding=as_texts(codes))
    assert chunk.features.tolist() == [[1, 0], [0, 1], [1, 0]]
    file.write_text('a,b\n1,2\n""\n', encoding="utf-8")
    with pytest.raises(UsageError, match="must have 2 cells in every row, as in its first line, got 1 in line 3"):
        read_csv(file, "data.path")


def test_a_number_with_a_decimal_comma_may_mean_a_missing_value(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a;b\n1,5;2\n-9,9;3\n", encoding="utf-8")
    assert read_csv(file, "data.path", Missing(texts=("", "-9,9"))).a.tolist()[:1] == [1.5]
    assert read_csv(file, "data.path", Missing(texts=("", "-9,9"))).a.isna().tolist() == [False, True]


def test_digits_that_a_number_would_lose_stay_texts(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text(
        "a,b,c\n12345678901234567890123,1,1.5\n12345678901234567890124,9007199254740993,1e30\n", encoding="utf-8"
    )
    got = read_csv(file, "data.path")
    assert got.a.nunique() == 2
    assert got.b.tolist() == [1, 9007199254740993]
    assert got.c.tolist() == [1.5, 1e30]


def test_lines_and_characters_across_the_bounds_of_what_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes('\ufeffa,"b\r\nb"\r\n1,"Zürich\r\n"\r\n2,"€"\r\n'.encode())
    want = {"a": [1, 2], "b\r\nb": ["Zürich\r\n", "€"]}
    for size in range(1, 20):
        monkeypatch.setattr(csv_reader, "_CHUNK_BYTES", size)
        assert read_csv(file, "data.path").to_dict("list") == want
