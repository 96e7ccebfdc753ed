"""Names of columns as files and settings write them; and the column that pandas and R write without one."""

from pathlib import Path

import pandas as pd
import pytest
from omegaconf import OmegaConf

from perceptron.composition.settings.parsing import parsed_overrides
from perceptron.data import TableDataModule, table_from_files
from perceptron.errors import UsageError

N = 40


def _data(path: Path, **settings) -> TableDataModule:
    return table_from_files(path=str(path), **{"target": "y"} | settings)


def _message(path: Path, **settings) -> str:
    with pytest.raises(UsageError) as caught:
        _data(path, **settings).setup()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame({"a": [i * 7 % 11 + 0.5 for i in range(N)], "y": ["p", "q"] * (N // 2)})


@pytest.mark.parametrize(
    ("index", "left_out"),
    [
        (range(N), True),
        ([*range(N // 2), *range(N // 2)], True),
        ([f"car {i}" for i in range(N)], True),
        (["red", "blue"] * (N // 2), False),
    ],
)
def test_a_first_column_without_a_name_is_left_out_where_it_numbers_or_names_the_rows(
    frame: pd.DataFrame, index: list[object], left_out: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "t.csv"
    frame.set_axis(pd.Index(index)).to_csv(path)
    if not left_out:
        assert _message(path) == (
            f"data.path must have a name for every column, got none for column 0 in {path}; give it one in the first "
            "line, and leave it out with data.exclude if it is none to learn from"
        )
        return
    assert _data(path).schema.feature_names == ("a",)
    assert caplog.messages == [
        f"the first column of {path} has no name and says the rows' numbers or names: it is left out"
    ]


def test_many_files_with_such_a_column_are_named_once(
    frame: pd.DataFrame, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for part in range(3):
        frame.to_csv(tmp_path / f"part-{part}.csv")
    assert len(_data(tmp_path / "part-*.csv").table) == 3 * N
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("name", ["2021", "true", "True", "null", "1e3", "0x1F", "1_000", "3.0", "inf"])
def test_a_column_is_found_by_what_hydra_reads_of_its_name(name: str, frame: pd.DataFrame, tmp_path: Path) -> None:
    named = frame.rename(columns={"y": name})
    named.to_csv(tmp_path / "t.csv", index=False)
    (override,) = parsed_overrides([f"data.target={name}"])
    # As Hydra hands it over and a run's configuration stores it.
    target = OmegaConf.to_container(OmegaConf.create({"target": override.value()}))["target"]
    assert _data(tmp_path / "t.csv", target=target).schema.target_names == (name,)
    assert _data(tmp_path / "t.csv", target=[target]).schema.target_names == (name,)
    extra = named.assign(y=frame["y"])
    extra.to_csv(tmp_path / "t.csv", index=False)
    assert _data(tmp_path / "t.csv", exclude=[target]).schema.feature_names == ("a",)
    assert _data(tmp_path / "t.csv", features=["a"]).schema.feature_names == ("a",)


def test_a_name_that_is_none_is_said_as_it_was_typed(frame: pd.DataFrame, tmp_path: Path) -> None:
    frame.to_csv(tmp_path / "t.csv", index=False)
    for target, typed in ((2021, "2021"), (True, "true"), (None, "null"), ("z", "z")):
        said = f"data.target must name a column, got {typed}, which is none; choose from a, y"
        assert _message(tmp_path / "t.csv", target=target) == said


def test_quotes_that_belong_to_the_name_are_said(frame: pd.DataFrame, tmp_path: Path) -> None:
    frame.rename(columns={"y": "'vote'"}).to_csv(tmp_path / "t.csv", index=False, sep="\t")
    said = _message(tmp_path / "t.csv", target="vote")
    assert said == (
        "data.target must name a column, got vote, but the quotes of 'vote' belong to the name; type "
        '"data.target=\\"\'vote\'\\"" with all these quotes'
    )
    # What a shell makes of that, and Hydra of this.
    (override,) = parsed_overrides(["data.target=\"'vote'\""])
    assert _data(tmp_path / "t.csv", target=override.value()).schema.target_names == ("'vote'",)


def test_a_file_separated_by_blanks_is_one_column_and_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("a b y\n" + "1 2 p\n3 4 q\n" * 20, encoding="utf-8")
    assert _message(tmp_path / "t.txt") == (
        "data.target must name a column, got y, where the file has one column, 'a b y'; separate columns by a comma, a "
        "semicolon, a tab or |"
    )


@pytest.mark.parametrize("setting", ["group", "time", "weight"])
def test_a_gap_that_is_a_text_is_named(setting: str, frame: pd.DataFrame, tmp_path: Path) -> None:
    frame.assign(g=["NA", *range(1, N)]).to_csv(tmp_path / "t.csv", index=False)
    assert _message(tmp_path / "t.csv", **{setting: "g"}) == (
        f"data.{setting}=g must be known in every row, got 1 rows without: the text NA in row 0 is read as missing, "
        "which 'data.not_missing=[NA]' changes; leave such rows out"
    )


def test_a_class_that_means_missing_is_named_and_can_be_kept(frame: pd.DataFrame, tmp_path: Path) -> None:
    for target, suffix in ((["None", "Mild"], "csv"), (["None", "Mild"], "parquet")):
        path = tmp_path / f"t.{suffix}"
        named = frame.assign(y=target * (N // 2))
        named.to_csv(path, index=False) if suffix == "csv" else named.to_parquet(path)
        assert _message(path) == (
            "the target must be known in every row, got 20 rows without: the text None in row 0 is read as missing, "
            "which 'data.not_missing=[None]' changes; set data.missing_target=drop to leave such rows out"
        )
        assert _data(path, not_missing=["None"]).schema.class_names == ("Mild", "None")


def test_times_of_the_usual_forms_are_read_and_others_named(frame: pd.DataFrame, tmp_path: Path) -> None:
    days = pd.date_range("2020-01-01", periods=N)
    wanted = None
    for form, settings in (
        ("%Y-%m-%d", {}), ("%d.%m.%Y", {}), ("%d-%m-%Y", {}), ("%b %d %Y", {}), ("%Y%m%d", {}),
        ("%d/%m/%y", {"date_format": "%d/%m/%y"}),
    ):  # fmt: skip
        frame.assign(t=days.strftime(form)).sample(frac=1, random_state=0).to_csv(tmp_path / "t.csv", index=False)
        split = _data(tmp_path / "t.csv", time="t", **settings).split
        wanted = wanted or split.test.tolist()
        assert split.test.tolist() == wanted, form
    frame.assign(t=days[:12].strftime("%d/%m/%Y").tolist()[:1] * N).to_csv(tmp_path / "t.csv", index=False)
    assert _message(tmp_path / "t.csv", time="t") == (
        "data.time=t must be dates, got dates whose day, month or century can be read in more than one way, such as "
        "'01/01/2020' in row 0; type \"data.date_format='%d/%m/%Y'\" or \"data.date_format='%m/%d/%Y'\", or write them "
        "as 2026-01-31"
    )
