"""Lines for Hydra's and OmegaConf's exceptions; tests/system/test_bad_command_lines.py has those of command lines."""

from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from tests.composition.command_lines import check_command_line

from perceptron.composition.settings import extras
from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.composition.settings.explain import explain
from perceptron.errors import UsageError


def line_of(*typed: str, root: str = "train", folder: Path = CONF_DIR) -> str:
    """What is said of a composition that fails."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(folder), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        with pytest.raises(Exception) as raised:  # noqa: PT011
            loader.load_configuration(root, list(typed), run_mode=RunMode.RUN)
    return explain(raised.value, typed)


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("hydra.lancher=3", "there is no setting hydra.lancher; did you mean hydra.launcher?"),
        ("hydra/launcher=basicc", "there is no hydra/launcher=basicc; did you mean basic?"),
        ("+seed=3", "seed is a setting already, got + before it; leave the + out"),
        ("seed.x=1", "seed must be a whole number, got {}; set seed"),
        ("seed=abc", "seed must be a whole number, got 'abc'; set seed"),
        ("tags=3", "tags must be a list, got 3; set tags"),
        (
            "seed=range(3)",
            "several values need a multirun, got seed=range(3); type perceptron train -m 'seed=range(3)'",
        ),
        ("data=[iris,iriss]", "there is no data=iriss; did you mean iris?"),
        (
            "~optimizer=adam",
            "Hydra must be able to compose the settings, got: Could not delete 'optimizer=adam'. No match in the "
            "defaults list; correct the configuration",
        ),
        ("model=3", "a group takes the name of an option, got model=3; leave it out, or see --help"),
    ],
)  # fmt: skip
def test_it_names_rule_value_and_fix(typed: str, line: str) -> None:
    assert line_of(typed) == line


@pytest.mark.parametrize(
    ("file", "line"),
    [
        (
            "defaults: [train, _self_]\nseed: fast\n",
            "In 'mine': ValidationError raised while composing config:; Value 'fast' of type 'str'",
        ),
        ("defaults: [mine, _self_]\n", "RecursionError: maximum recursion depth exceeded"),
        ("seed: [1\n", "ParserError: while parsing a flow sequence; in"),
    ],
)
def test_a_file_that_cannot_be_composed_is_one_line(file: str, line: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(file, encoding="utf-8")
    said = line_of(f"hydra.searchpath=[file://{CONF_DIR}]", root="mine", folder=tmp_path)
    assert said.startswith(f"Hydra must be able to compose the settings, got: {line}")
    assert "\n" not in said


@pytest.mark.parametrize("typed", [["hydra/launcher=joblib"], ["hydra/sweeper=optuna"]])
def test_an_option_names_the_extra_that_it_needs(typed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    with pytest.raises(Exception, match=rf"{typed[0]} needs the extra \w+, got none; type pip install"):
        check_command_line(["-m", *typed, "seed=1,2"])


def test_a_setting_that_cannot_be_resolved_is_one_line_under_a_debugger(monkeypatch: pytest.MonkeyPatch) -> None:
    # OmegaConf then makes some of its exceptions their own cause.
    monkeypatch.setenv("OC_CAUSE", "1")
    with pytest.raises(UsageError, match="seed must be a value that can be resolved"):
        check_command_line(["seed=${hydra:job.num}"])
