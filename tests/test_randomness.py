from perceptron.randomness import Stream, derive_seed


def test_seeds_depend_on_everything_they_are_derived_from() -> None:
    seeds = {derive_seed(seed, stream, epoch) for seed in range(5) for stream in Stream for epoch in range(5)}
    assert len(seeds) == 5 * len(Stream) * 5
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_they_never_change() -> None:
    # A stored run is resumed with the order that it was begun with.
    assert derive_seed(0, Stream.ROW_ORDER, 1) == 1554199118406742183
