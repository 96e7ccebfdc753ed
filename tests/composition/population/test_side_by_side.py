from tests.composition.population.side_by_side import DOCUMENT, END, START, callbacks, figures, flags, optimizers, table


def test_the_document_lists_what_each_try_gave() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.partition(START)[2].partition(END)[0].strip() == table()


def test_the_tries_tell_them_apart() -> None:
    for found, side, alone in (
        (dict(flags()), "gradient_clip_val", "limit_train_batches"),
        (dict(optimizers()), "RMSprop", "LBFGS"),
        (dict(callbacks()), "EarlyStopping", "StochasticWeightAveraging"),
        (dict(figures()), "end", "epoch"),
    ):
        assert not found[side]
        assert found[alone]
