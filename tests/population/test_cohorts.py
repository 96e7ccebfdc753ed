from collections.abc import Callable
from functools import partial

import lightning as L
import pytest
import torch
from sklearn.datasets import load_iris

from perceptron.data import TableDataModule
from perceptron.models import MulticlassClassifier, Standardize
from perceptron.networks import MLP
from perceptron.population import Member, Population
from perceptron.population.fit import good_stacks


def members(count: int, width: int = 8, lr: Callable[[int], float] = lambda _: 0.05) -> list[Member]:
    made = []
    for seed in range(count):
        data = TableDataModule(dataset=load_iris, seed=seed)
        scaling = data.features_scaling
        torch.manual_seed(seed)
        model = MulticlassClassifier(
            network=MLP(n_features=4, n_outputs=3, hidden=[width]),
            standardize=Standardize(scaling.mean, scaling.scale),
            optimizer=partial(torch.optim.SGD, lr=lr(seed)),
            seed=seed,
        )
        made.append(Member(model=model, datamodule=data, optimizer=model.optimizer(model.parameters())))
    return made


def trained(of: list[Member], *, n_cohorts: int) -> Population:
    size = -(-len(of) // n_cohorts)
    population = Population([of[start : start + size] for start in range(0, len(of), size)])
    trainer = L.Trainer(
        accelerator="cpu", max_epochs=3, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(population, train_dataloaders=population.steps())
    population.score()
    return population


def weights(population: Population, member: Member) -> torch.Tensor:
    cohort, place = population.place(member)
    return torch.cat([stack[place].flatten() for stack in cohort.kept.last.network.values()])


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("n_cohorts", [1, 3, 7])
def test_how_members_are_spread_changes_nothing(n_cohorts: int) -> None:
    one, other = members(7), members(7)
    together, spread = trained(one, n_cohorts=1), trained(other, n_cohorts=n_cohorts)
    for number in range(7):
        torch.testing.assert_close(weights(spread, other[number]), weights(together, one[number]), rtol=1e-4, atol=1e-6)
        assert other[number].metrics == pytest.approx(one[number].metrics, rel=1e-4)
        assert len(other[number].history) == 3


def test_a_cohort_whose_members_have_all_failed_leaves_the_others_alone() -> None:
    population = trained(members(4, lr=lambda seed: 1e30 if seed < 2 else 0.05), n_cohorts=2)
    assert [member.failure is None for cohort in population.cohorts for member in cohort.members] == [
        False, False, True, True,
    ]  # fmt: skip
    assert all("test/acc" in member.metrics for member in population.cohorts[1].members)


@pytest.mark.parametrize(
    ("count", "width", "n_threads", "n_stacks"),
    # Tiny networks in one stack, wide ones in a stack of few, more where more caches share it; never more stacks than
    # members.
    [(4, 8, 2, 1), (256, 8, 1, 1), (64, 200_000, 2, 64), (3, 600_000, 2, 3), (16, 40_000, 1, 8), (16, 40_000, 2, 4)],
)
def test_stacks_fit_the_caches(count: int, width: int, n_threads: int, n_stacks: int) -> None:
    (one,) = members(1, width)
    assert len(good_stacks([one] * count, n_threads=n_threads)) == n_stacks
