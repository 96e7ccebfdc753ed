"""What is typed, in the form that Hydra takes."""

import pytest

from perceptron.composition.override_forms import in_hydras_form


@pytest.mark.parametrize(
    ("typed", "form"),
    [
        ("+trainer.max_epochs=2", "++trainer.max_epochs=2"),
        ("trainer.max_epochs=2", "trainer.max_epochs=2"),
        ("+seed=1,2", "seed=1,2"),
        ("+debug=fdr", "debug=fdr"),
        ("logger=null", "logger=none"),
        ("logger=[csv,tensorboard]", "logger=[csv,tensorboard]"),
        ("callbacks.progress=rich,tqdm", "callbacks/progress=rich,tqdm"),
        ("callbacks.progress=null", "callbacks.progress=null"),
        ("callbacks.progress={_target_:perceptron.callbacks.EpochLines}",) * 2,
        ("callbacks.progress._target_=x", "callbacks.progress._target_=x"),
        # Perhaps a group in a folder of the user's own.
        ("+my_note=x", "+my_note=x"),
        ("~logger", "~logger"),
        ("data.path=a=b", "data.path=a=b"),
        ("=x", "=x"),
        ("sweep.max_jobs=9", "hydra.callbacks.sweep.max_jobs=9"),
        ("sweep.filter=a < 1 and b == 'c'", "hydra.callbacks.sweep.filter='a < 1 and b == \\'c\\''"),
        ("sweep.filter=null", "hydra.callbacks.sweep.filter=null"),
        ("trainer", "trainer"),
    ],
)
def test_an_override_is_rewritten_where_hydra_wants_another_form(typed: str, form: str) -> None:
    assert in_hydras_form(typed) == form
