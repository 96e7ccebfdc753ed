from copy import deepcopy

from perceptron.composition.settings.interpolations import replaced


def test_what_is_replaced_stays_as_it_was_elsewhere() -> None:
    values = {"a": {"b": 1, "c": [1, {"d": 2}]}, "e": {"f": 3}}
    before = deepcopy(values)
    found = replaced(values, {"a.b": 9, "a.c.1.d": 8, "g": 7})
    assert found == {"a": {"b": 9, "c": [1, {"d": 8}]}, "e": {"f": 3}, "g": 7}
    assert values == before
    assert found["e"] is values["e"]


def test_a_part_of_what_is_replaced_as_a_whole() -> None:
    whole = {"b": 1, "c": 2}
    assert replaced({"a": None}, {"a": whole, "a.b": 3}) == {"a": {"b": 3, "c": 2}}
    assert whole == {"b": 1, "c": 2}
