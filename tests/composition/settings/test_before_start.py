import pytest
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf

from perceptron.composition.callback_errors import Refusal
from perceptron.composition.settings.before_start import CheckBeforeStart
from perceptron.errors import UsageError


@pytest.mark.parametrize("kind", ["run", "multirun"])
@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (UsageError("rule, value; fix"), 2, "error: rule, value; fix\n"),
        (ConfigCompositionException("no"), 2, "got: no; correct the configuration\n"),
        (KeyError("own"), 1, "KeyError: 'own'"),
    ],
)
def test_the_program_ends_where_the_check_fails(
    kind: str,
    error: Exception,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    module = "perceptron.composition.settings.before_start"
    monkeypatch.setattr(f"{module}.check_{kind}", fail)
    monkeypatch.setattr(f"{module}.GlobalHydra", type("Hydra", (), {"instance": staticmethod(_Hydra)}))
    monkeypatch.setattr(CheckBeforeStart, "passed", None)
    monkeypatch.setattr(CheckBeforeStart, "arguments", None)
    with pytest.raises(SystemExit) as ended:
        getattr(CheckBeforeStart(), f"on_{kind}_start")(OmegaConf.create({}))
    assert ended.value.code == status
    # The command line prints what is refused.
    refused = f"error: {ended.value.error}\n" if isinstance(ended.value, Refusal) else ""
    assert said in refused + capsys.readouterr().err
    assert CheckBeforeStart.passed is None


class _Hydra:
    def config_loader(self) -> None:
        return None
