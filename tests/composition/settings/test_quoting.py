"""Values that Hydra's grammar refuses or divides, and what is to be typed for them."""

import shlex
import subprocess

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.composition.settings.explain import explain
from perceptron.composition.settings.quoting import advice, as_one_text, lists_texts

# Each is refused without quotes.
REFUSED = [
    "lücke", "Größe in m²", "中文.csv", "données/a b.csv", "a=b", "/data/k=v/rows.csv", "a[1].csv", "a(b).csv", "it's",
    'say "hi"', "both \"a\" and 'b'", "rows#1", "a;b", "x & y", "<x>", "a!", "`a`", "€", "a\\ü", "ü\\", '\\"ü\\"',
    "a{b}", "a}b", "ä, ö", "a[1],b[2]", "“x”", "a${b", "${b", "ü${", "(ü)", "~ü", "a)b", "ü'", "' ü", "a^b",
]  # fmt: skip
DIVIDED = ["a,b.csv", "x, y", "last,first name"]


def _composed(shell_words: str) -> str:
    """The value that a setting has once Hydra has composed what was typed in a shell."""
    (override,) = shlex.split(shell_words)
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        return str(compose("train", overrides=["data=table", "model=auto", override]).data.dataset.target)


def _refusal(override: str) -> str:
    with pytest.raises(HydraException) as caught:
        OverridesParser.create().parse_overrides([override])
    return explain(caught.value)


@pytest.mark.parametrize("value", REFUSED)
def test_what_is_to_be_typed_gives_the_value(value: str) -> None:
    override = f"data.dataset.target={value}"
    typed = as_one_text(override)
    assert typed is not None
    assert _composed(typed) == value
    line = _refusal(override)
    assert line.startswith(f"an override must follow Hydra's grammar, got {override}; ")
    assert f"type {typed}" in line or f"or {typed} for one" in line


def test_what_quotes_do_not_mend() -> None:
    line = _refusal("data.date_format={größe: '%d'}")
    assert line.endswith(
        "; correct its brackets; a mapping whose keys have special characters is set in a file of conf/experiment"
    )
    assert "; close its quote, or type 'data.path=" in _refusal("data.path='rows.csv")


@pytest.mark.parametrize("value", DIVIDED)
def test_a_text_with_commas_is_to_be_quoted_too(value: str) -> None:
    override = f"data.dataset.target={value}"
    assert lists_texts(override)
    typed = as_one_text(override)
    assert typed is not None
    assert _composed(typed) == value


def test_a_shell_takes_what_is_to_be_typed() -> None:
    forms = [as_one_text(f"data.path={value}") for value in REFUSED]
    script = "".join(f"printf '%s\\0' {form}\n" for form in forms)
    told = subprocess.run(["sh"], input=script, capture_output=True, encoding="utf-8", check=True).stdout
    parsed = OverridesParser.create().parse_overrides(told.split("\0")[:-1])
    assert [str(each.value()).replace("\\${", "${") for each in parsed] == REFUSED


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("data.features=[größe,alter]", "type 'data.features=[\"größe\",alter]'"),
        ("data.features=[größe, 'a b']", "type 'data.features=[\"größe\", '\"'\"'a b'\"'\"']'"),
        ("data.target=lücke,höhe", "type 'data.target=\"lücke\",\"höhe\"' for several values, or "
         "'data.target=\"lücke,höhe\"' for one"),
        ("data.target=choice(lücke,b)", "type 'data.target=choice(\"lücke\",b)' for several values, or "
         "'data.target=\"choice(lücke,b)\"' for one"),
        ("seed=range(1", "correct its call, or type 'seed=\"range(1\"' for a text"),
        ("data.path=[1].csv", "correct its brackets, or type 'data.path=\"[1].csv\"' for a text"),
        ("data.path=${paths.log_dir}/ü", "type 'data.path=\"${paths.log_dir}/ü\"'"),
        # No terminal shows it as it is.
        ("data.path=ü\n", None),
        ("lücke=1", None),
    ],
)  # fmt: skip
def test_lists_and_calls_keep_their_meaning(override: str, line: str | None) -> None:
    assert advice(override) == line


def test_a_name_with_special_characters_is_told_apart() -> None:
    line = "the name of a setting has no special characters, got lücke; see --help for the names"
    assert _refusal("lücke=1") == line
