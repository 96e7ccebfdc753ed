from collections.abc import Mapping, Sequence
from typing import Any

import optuna
import pytest
from hydra import initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from tests.composition.command_lines import check_command_line

from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.composition.sweeps.search_space import SearchSpace, parse_space
from perceptron.errors import UsageError


@pytest.fixture(scope="module")
def loader() -> ConfigLoader:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        return GlobalHydra.instance().config_loader()


def drawn(space: SearchSpace, n: int = 60) -> list[dict[str, str]]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return [dict(text.split("=", 1) for text in space.draw(study.ask())) for _ in range(n)]


def values(loader: ConfigLoader, params: Mapping[str, Any], key: str, arguments: Sequence[str] = ()) -> list[str]:
    return [found[key] for found in drawn(parse_space(params, arguments, loader)) if key in found]


def test_ranges_end_before_their_stop_as_pythons(loader: ConfigLoader) -> None:
    assert set(values(loader, {"a": "range(0, 3)"}, "a")) == {"0", "1", "2"}
    assert set(values(loader, {"a": "range(1, 8, 3)"}, "a")) == {"1", "4", "7"}


def test_intervals_are_inclusive_and_whole_where_cast(loader: ConfigLoader) -> None:
    assert set(values(loader, {"a": "int(interval(1, 3))"}, "a")) == {"1", "2", "3"}
    assert all(0.1 <= float(value) <= 0.5 for value in values(loader, {"a": "interval(0.1, 0.5)"}, "a"))


def test_logarithms_are_even_over_decades(loader: ConfigLoader) -> None:
    found = [float(value) for value in values(loader, {"a": "tag(log, interval(0.0001, 1))"}, "a")]
    assert 15 < sum(value < 0.01 for value in found) < 45


def test_choices_keep_their_text(loader: ConfigLoader) -> None:
    assert set(values(loader, {"a": "choice([1,2],[3])"}, "a")) == {"[1,2]", "[3]"}
    assert set(values(loader, {"a": "x,y"}, "a")) == {"x", "y"}
    assert {"sgd", "adam"} <= set(values(loader, {"optimizer": "glob(*)"}, "optimizer"))


def test_conditions(loader: ConfigLoader) -> None:
    params = {
        # Before the setting that it depends on: the order does not matter.
        "optimizer.momentum": 'tag("if optimizer=sgd|rms", interval(0, 0.9))',
        "optimizer": "choice(sgd, adam, rms)",
    }
    found = drawn(parse_space(params, [], loader))
    assert all(("optimizer.momentum" in trial) == (trial["optimizer"] != "adam") for trial in found)
    assert {trial["optimizer"] for trial in found} == {"sgd", "adam", "rms"}


def test_conditions_on_what_is_fixed(loader: ConfigLoader) -> None:
    params = {"optimizer.momentum": 'tag("if optimizer=sgd", interval(0, 0.9))'}
    assert values(loader, params, "optimizer.momentum", ["optimizer=adam"]) == []
    assert len(values(loader, params, "optimizer.momentum", ["optimizer=sgd"])) == 60


def test_the_command_line_wins(loader: ConfigLoader) -> None:
    space = parse_space({"a": "choice(1, 2)", "b": "choice(1, 2)"}, ["a=5"], loader)
    assert all(found["a"] == "5" for found in drawn(space))
    assert [dimension.key for dimension in space.dimensions] == ["b"]


def test_a_grid_knows_its_size(loader: ConfigLoader) -> None:
    params = {
        "optimizer": "choice(sgd, adam)",
        "optimizer.momentum": 'tag("if optimizer=sgd", choice(0, 0.5, 0.9))',
        "n": "range(1, 8, 3)",
    }
    assert parse_space(params, [], loader).size() == (3 + 1) * 3
    assert parse_space({"a": "interval(0, 1)"}, [], loader).size() is None


def test_samples_have_every_choice_and_both_ends(loader: ConfigLoader) -> None:
    params = {
        "optimizer": "choice(sgd, adam)",
        "optimizer.momentum": 'tag("if optimizer=sgd", interval(0.1, 0.9))',
    }
    found = list(parse_space(params, ["seed=1"], loader).samples())
    assert ["seed=1", "optimizer=adam"] in found
    assert ["seed=1", "optimizer=sgd", "optimizer.momentum=0.9"] in found
    assert not any("optimizer=adam" in sample and "optimizer.momentum=0.1" in sample for sample in found)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"a": 'tag("if b=1", choice(1, 2))'}, "got b for a; add b to hydra.sweeper.params"),
        ({"a": "tag(loud, choice(1, 2))"}, "a tag must be log or"),
    ],
)
def test_mistakes_are_named(loader: ConfigLoader, params: Mapping[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_space(params, [], loader)


def test_a_setting_under_a_condition_is_not_asked_of_other_choices() -> None:
    momentum = 'optimizer.momentum=tag("if optimizer=sgd", interval(0, 0.95))'
    check_command_line(["-m", "hydra/sweeper=optuna", "optimizer=choice(sgd, adam)", momentum])
