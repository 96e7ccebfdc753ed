import pytest
from omegaconf import OmegaConf
from perceptron.composition.settings.settings_check import SettingsCheck

from perceptron.errors import UsageError


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [(UsageError("rule, value; fix"), 2, "error: rule, value; fix\n"), (KeyError("own"), 1, "KeyError: 'own'")],
)
def test_the_program_ends_where_the_check_fails(
    error: Exception,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("perceptron.composition.settings.settings_check.check_composed", fail)
    with pytest.raises(SystemExit) as ended:
        SettingsCheck().on_multirun_start(OmegaConf.create({}), config_name="train")
    assert ended.value.code == status
    assert said in capsys.readouterr().err
