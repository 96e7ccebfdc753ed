from copy import deepcopy

import pytest
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import setup_globals
from omegaconf import OmegaConf

from perceptron.composition.settings.interpolations import followed, resettle, settle
from perceptron.composition.settings.plain import replaced


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


def test_plain_values_follow_as_omegaconf_resolves_them(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = {
        "seed": 1,
        "rate": 0.5,
        "data": {"seed": "${seed}", "name": "s${seed}_${rate}"},
        "chain": "${data.seed}",
        "folder": "${hydra:job.id}",
        "deep": {"file": "${folder}/x/${chain}"},
        "list": ["a", "${seed}"],
    }
    setup_globals()
    monkeypatch.setattr(HydraConfig.instance(), "cfg", OmegaConf.create({"hydra": {"job": {"id": "4", "num": 4}}}))
    cfg = OmegaConf.create(raw)
    left = settle(cfg, ["seed", "rate"])
    OmegaConf.update(cfg, "seed", 3)
    resettle(cfg, left)
    first = OmegaConf.to_container(OmegaConf.create(raw), resolve=True)
    values = replaced(first, {"seed": 3})
    expected = OmegaConf.to_container(cfg, resolve=True)
    assert followed(values, left, {"job.id": "4"}) == expected
    assert expected["deep"] == {"file": "4/x/3"}
    assert first["chain"] == values["chain"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "${direction_of:${seed}}",
        "${.near}",
        "${nothing}",
        "${hydra:job.name}",
        "${part}",
        "${word}",
        "x${part}",
        "\\${seed}",
    ],
)
def test_what_only_omegaconf_can_tell_does_not_follow(text: str) -> None:
    values = {"seed": 1, "part": {"a": 1}, "word": "${seed}", "of": 0, "near": 2}
    assert followed(values, {"of": text}, {"job.num": 3}) is None
    assert followed(values, {"of": "${hydra:job.num}"}, {"job.num": 3}) == values | {"of": 3}
    # A setting's type decides what becomes of it.
    assert followed(values | {"of": 0.5}, {"of": "${seed}"}, {}) is None


def test_a_reference_to_a_neighbour_is_not_looked_up_at_the_root() -> None:
    cfg = OmegaConf.create({"seed": 1, "data": {"seed": 7, "split_seed": "${.seed}"}})
    left = settle(cfg, ["seed"])
    resettle(cfg, left)
    assert cfg.data.split_seed == 7


def test_a_text_may_hold_a_whole_list() -> None:
    raw = {"tags": ["a"], "name": "of_${tags}"}
    cfg = OmegaConf.create(raw)
    left = settle(cfg, ["tags"])
    OmegaConf.update(cfg, "tags", ["b", "c"])
    resettle(cfg, left)
    assert cfg.name == OmegaConf.create(raw | {"tags": ["b", "c"]}).name
    assert followed({"tags": ["b", "c"], "name": ""}, left, {}) is None
