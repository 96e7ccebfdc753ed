"""The encoding of columns of any kind as an ONNX graph, to stand in front of a network's. Needs onnx and pandas.

Its inputs are the columns, each ``(batch,)``, so that their order does not matter:

========== ========= ==============================================================================================
kind       type      values
========== ========= ==============================================================================================
number     double    the number; NaN if it is missing
boolean    float     0 or 1; NaN if it is missing
date       double    seconds since 1970-01-01 UTC; NaN if it is missing
category   string    the category, without spaces around it, a whole number without a fraction; if it is missing, a
                     text that means a missing value, such as the one in the file's metadata: ``""`` unless that is a
                     category
========== ========= ==============================================================================================

Its output ``features`` equals that of ``perceptron.data.columns.encoding.encode``, except that no value is refused.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pandas as pd
from onnx import compose, helper

from perceptron.data.columns.dates import ISO, read_dates
from perceptron.data.columns.encoding import (
    Code,
    encode,
    encoded_names,
    missing_texts_of,
)
from perceptron.data.columns.kinds import numbers_of, texts_of
from perceptron.data.columns.missing_texts import missing_numbers
from perceptron.data.columns.missing_values import mark_missing_in
from perceptron.exports.graph_builder import GraphBuilder

_TYPES = {
    "number": onnx.TensorProto.DOUBLE,
    "boolean": onnx.TensorProto.FLOAT,
    "date": onnx.TensorProto.DOUBLE,
    "category": onnx.TensorProto.STRING,
}
# Names of outputs. The input of a column with such a name is ``<name> (column)``.
_TAKEN = ("label", "probabilities", "values", "spread")
_ML = "ai.onnx.ml"
_ML_VERSION = 3


@dataclass(frozen=True, kw_only=True)
class RawColumns:
    """Rows of raw columns, and the codes by which they become features.

    Attributes:
        frame: columns of any kind.
        codes: of ``perceptron.data.columns.encoding``.
    """

    frame: pd.DataFrame
    codes: Sequence[Code]

    @property
    def features(self) -> npt.NDArray[np.float64]:
        """``(n_rows, n_features)`` float64, raw, as ``encode`` has them."""
        return encode(self.frame, self.codes)

    @property
    def inputs(self) -> dict[str, npt.NDArray[Any]]:
        """The rows as inputs of the graph: arrays ``(n_rows,)`` by the inputs' names."""
        return {self._name(code): _values(self.frame.loc[:, code["column"]], code) for code in self.codes}

    @property
    def described(self) -> list[dict[str, Any]]:
        """Name, column and kind of each input, for the file's metadata."""
        return [
            {"name": self._name(code), "column": code["column"], "kind": code["kind"]}
            | ({"missing": _missing_text(code)} if code["kind"] == "category" else {})
            for code in self.codes
        ]

    def put_in_front(self, network: onnx.ModelProto) -> onnx.ModelProto:
        """A model that takes raw columns.

        Args:
            network: whose only input is ``features``.
        """
        names = list(self.inputs)
        graph = GraphBuilder(_prefix("encode.", names))
        blocks = [block for code, name in zip(self.codes, names, strict=True) for block in _features(graph, code, name)]
        features = graph.add("Concat", *blocks, axis=1)
        inputs = [
            helper.make_tensor_value_info(name, _TYPES[code["kind"]], ["batch"])
            for code, name in zip(self.codes, names, strict=True)
        ]
        width = len(encoded_names(self.codes))
        output = helper.make_tensor_value_info(features, onnx.TensorProto.DOUBLE, ["batch", width])
        front = helper.make_model(
            helper.make_graph(graph.nodes, "columns", inputs, [output], graph.constants),
            opset_imports=[*network.opset_import, helper.make_opsetid(_ML, _ML_VERSION)],
            ir_version=network.ir_version,
        )
        prefix = _prefix("network.", names)
        behind = compose.add_prefix(network, prefix, rename_outputs=False)
        (taken,) = (value.name for value in behind.graph.input)
        return compose.merge_models(front, behind, io_map=[(features, taken)])

    def _name(self, code: Code) -> str:
        name: str = code["column"]
        return f"{name} (column)" if name in _TAKEN else name


def _features(graph: GraphBuilder, code: Code, name: str) -> list[str]:
    """Names of the double ``(batch, ...)`` features of an input, in order."""
    if code["kind"] == "category":
        return [_one_hot(graph, code, name)]
    absent = _absent(graph, code, name)
    if code["kind"] == "date":
        parts = _date_parts(graph, name)
        values = [graph.add("Where", absent, graph.constant(fill), parts[part]) for part, fill in code["parts"].items()]
    else:
        values = [graph.add("Where", absent, graph.constant(code["fill"]), graph.double(name))]
    return [graph.column(value) for value in [*values, *([absent] if code["missing"] else [])]]


def _absent(graph: GraphBuilder, code: Code, name: str) -> str:
    """Name of the boolean ``(batch,)`` that is true for missing values: NaN, or a number that means a missing value."""
    absent = graph.add("IsNaN", name)
    for number in missing_numbers(missing_texts_of(code)) if code["kind"] != "date" else ():
        absent = graph.add("Or", absent, graph.add("Equal", graph.double(name), graph.constant(number)))
    return absent


def _one_hot(graph: GraphBuilder, code: Code, name: str) -> str:
    width, values = len(encoded_names([code])), list(code["values"])
    # An index after the last gives a row without any 1.
    unknown = len(values) if code["other"] else width
    places = dict(zip(values, range(len(values)), strict=True))
    if code["missing"]:
        places |= dict.fromkeys([_missing_text(code), *missing_texts_of(code)], width - 1)
    place = graph.add(
        "LabelEncoder",
        name,
        domain=_ML,
        keys_strings=list(places),
        values_int64s=list(places.values()),
        default_int64=unknown,
    )
    return graph.double(graph.add("OneHot", place, graph.constant(width, np.int64), graph.constant([0, 1], np.float32)))


def _date_parts(graph: GraphBuilder, seconds: str) -> dict[str, str]:
    """Names of a date's parts in double precision, NaN of NaN.

    The calendar is computed in years that begin with March, by Howard Hinnant's ``civil_from_days``,
    https://howardhinnant.github.io/date_algorithms.html.
    """
    days = graph.whole(seconds, 86_400)
    of_day = graph.add("Sub", seconds, graph.calculate("Mul", days, 86_400))
    shifted = graph.calculate("Add", days, 719_468)
    era = graph.whole(shifted, 146_097)
    day_of_era = graph.add("Sub", shifted, graph.calculate("Mul", era, 146_097))
    counted = graph.add("Sub", day_of_era, graph.whole(day_of_era, 1_460))
    counted = graph.add("Add", counted, graph.whole(day_of_era, 36_524))
    counted = graph.add("Sub", counted, graph.whole(day_of_era, 146_096))
    year_of_era = graph.whole(counted, 365)
    before = graph.calculate("Mul", year_of_era, 365)
    before = graph.add("Add", before, graph.whole(year_of_era, 4))
    before = graph.add("Sub", before, graph.whole(year_of_era, 100))
    day_of_year = graph.add("Sub", day_of_era, before)
    month_from_march = graph.whole(graph.calculate("Add", graph.calculate("Mul", day_of_year, 5), 2), 153)
    passed = graph.whole(graph.calculate("Add", graph.calculate("Mul", month_from_march, 153), 2), 5)
    day = graph.calculate("Add", graph.add("Sub", day_of_year, passed), 1)
    is_late = graph.calculate("GreaterOrEqual", month_from_march, 10)
    month = graph.calculate("Add", month_from_march, 3)
    month = graph.add("Where", is_late, graph.calculate("Sub", month, 12), month)
    year = graph.add("Add", year_of_era, graph.calculate("Mul", era, 400))
    year = graph.add("Where", is_late, graph.calculate("Add", year, 1), year)
    earlier = graph.calculate("Sub", year, 1)
    leap_day = graph.add("Sub", _leap_days(graph, year), _leap_days(graph, earlier))
    since_january = graph.add("Add", graph.calculate("Add", day_of_year, 59), leap_day)
    since_january = graph.add("Where", is_late, graph.calculate("Sub", day_of_year, 306), since_january)
    # 1970-01-01 was a Thursday.
    from_monday = graph.calculate("Add", days, 3)
    weekday = graph.add("Sub", from_monday, graph.calculate("Mul", graph.whole(from_monday, 7), 7))
    hour = graph.whole(of_day, 3_600)
    minute = graph.whole(graph.add("Sub", of_day, graph.calculate("Mul", hour, 3_600)), 60)
    return {
        "year": graph.add("Add", year, graph.calculate("Div", since_january, 366)),
        "month": month,
        "day": day,
        "weekday": weekday,
        "hour": graph.add("Add", hour, graph.calculate("Div", minute, 60)),
    }


def _leap_days(graph: GraphBuilder, year: str) -> str:
    fourth = graph.add("Sub", graph.whole(year, 4), graph.whole(year, 100))
    return graph.add("Add", fourth, graph.whole(year, 400))


def _values(column: "pd.Series[Any]", code: Code) -> npt.NDArray[Any]:
    column = mark_missing_in(column, missing_texts_of(code))
    if code["kind"] == "category":
        return texts_of(column).where(column.notna(), _missing_text(code)).to_numpy(dtype=object)
    if code["kind"] == "date":
        # In microseconds, because nanoseconds only reach back to 1677.
        seconds = (
            read_dates(column, code.get("format", ISO)) - pd.Timestamp(0, tz="UTC").as_unit("us")
        ).dt.total_seconds()
        return seconds.to_numpy(dtype=np.float64)
    return numbers_of(column, code["kind"]).to_numpy(dtype=np.float64 if code["kind"] == "number" else np.float32)


def _missing_text(code: Code) -> str:
    """The text that stands for a missing category: the first that means a missing value and is not a category."""
    return next(iter(missing_texts_of(code)), "")


def _prefix(word: str, names: Collection[str]) -> str:
    """The word, with underscores in front until no name starts with it."""
    while any(name.startswith(word) for name in names):
        word = f"_{word}"
    return word
