"""A table is the same whichever format it is written in, to be trained on and to be predicted."""

import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perceptron.data import table_from_files
from perceptron.prediction.input_rows import read_rows

N = 24
TEXTS = ["a", "b b", "None", "NA", "", "null", "?", "nan", "-", "007", "1", "2.5", "-999", "true", "x,y", 'q"q', None]
WRITERS = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "semicolons.csv": lambda frame, path: frame.to_csv(path, index=False, sep=";"),
    "parquet": lambda frame, path: frame.to_parquet(path),
    "feather": lambda frame, path: frame.to_feather(path),
}


def _frame(seed: int) -> pd.DataFrame:
    chance = random.Random(seed)  # noqa: S311

    def some(values: list[object]) -> list[object]:
        return [chance.choice(values) for _ in range(N)]

    return pd.DataFrame({
        "texts": some(TEXTS), "words": some(["NA", "EU", "?", "None"]), "digits": some(["1", "2", "?", "NA", "10"]),
        "codes": some(["007", "012", "700", "NA"]), "whole": some([*range(-5, 5), -999]),
        "floats": some([None, 1.5, -999.0, 0.25]), "truths": some([True, False, None]),
        "days": [f"{chance.randint(1, 28):02d}.{chance.randint(1, 12):02d}.2019" for _ in range(N)],
        "numbers": some([20240131, 20250228, 20261231]), "y": ["p", "q"] * (N // 2),
    })  # fmt: skip


@pytest.mark.parametrize("settings", [{}, {"missing": ["?", -999], "not_missing": ["None"]}], ids=["usual", "own"])
@pytest.mark.parametrize("seed", range(3))
def test_every_format_gives_the_same_codes_and_features(
    seed: int, settings: dict[str, list[object]], tmp_path: Path
) -> None:
    frame = _frame(seed)
    found = []
    for name, write in WRITERS.items():
        path = tmp_path / f"t.{name}"
        write(frame, path)
        data = table_from_files(path=str(path), target="y", **settings)
        features = data.table.features
        chunks = read_rows(path, features=(), encoding=data.schema.encoding)
        found.append((data.schema, features, np.concatenate([chunk.features for chunk in chunks])))
    schema, features, rows = found[0]
    assert {name.partition("=")[0].partition(".")[0] for name in schema.feature_names} == set(frame.columns) - {"y"}
    for other_schema, other_features, other_rows in found[1:]:
        assert other_schema == schema
        np.testing.assert_array_equal(other_features, features)
        np.testing.assert_array_equal(other_rows, rows)
