"""The stacked update rules, against torch's own optimizers on each member by itself."""

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import (
    ASGD,
    LBFGS,
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    NAdam,
    Optimizer,
    RAdam,
    RMSprop,
    Rprop,
)

from perceptron.population import CannotStackError
from perceptron.population.optimizer_choice import check_optimizer, stack_optimizers
from perceptron.population.sliced_optimizer import SlicedOptimizer
from perceptron.population.stacked_optimizer import StackedOptimizer

SHAPES = [(5, 3), (5,), (2, 2)]
# The last parameter of every member has no gradient, as one that the outputs do not depend on.
WITH_GRADIENT = 2
N_MEMBERS = 4
NO_STACK = "has no stacked form; optimizers of torch.optim that combine no elements have"
Settings = dict[str, Any]
CASES: dict[str, tuple[Callable[..., Optimizer], list[Settings]]] = {
    "sgd": (SGD, [{"lr": 0.1}, {"lr": 0.2}, {"lr": 0.3}, {"lr": 0.4}]),
    "sgd_decay": (SGD, [{"lr": 0.1, "weight_decay": share} for share in (0.0, 0.1, 0.2, 0.3)]),
    "sgd_momentum": (SGD, [{"lr": 0.1, "momentum": share} for share in (0.9, 0.5, 0.0, 0.7)]),
    "sgd_no_momentum_first": (SGD, [{"lr": 0.1, "momentum": share} for share in (0.0, 0.0, 0.5, 0.9)]),
    "sgd_nesterov": (
        partial(SGD, nesterov=True),
        [{"lr": 0.1, "momentum": share, "weight_decay": 0.01} for share in (0.9, 0.5, 0.3, 0.7)],
    ),
    "adam": (Adam, [{"lr": 0.01}, {"lr": 0.02, "betas": (0.8, 0.99)}, {"lr": 0.03, "eps": 0.1}, {"lr": 0.04}]),
    "adam_decay": (Adam, [{"lr": 0.01, "weight_decay": share} for share in (0.0, 0.1, 0.2, 0.3)]),
    "adamw": (AdamW, [{"lr": 0.1, "weight_decay": share} for share in (0.3, 0.2, 0.1, 0.0)]),
    "adamw_no_decay": (
        AdamW,
        [{"lr": 0.1, "weight_decay": 0.0, "betas": (0.5, share)} for share in (0.9, 0.8, 0.7, 0.6)],
    ),
}
SLICED: dict[str, tuple[Callable[..., Optimizer], list[Settings]]] = {
    "rmsprop": (RMSprop, [{"lr": rate} for rate in (0.01, 0.01, 0.02, 0.02)]),
    # Members of a group that are no neighbours, of which some have momentum.
    "rmsprop_centered": (
        partial(RMSprop, centered=True, lr=0.01),
        [{"momentum": 0.9}, {"momentum": 0.0}, {"alpha": 0.9}, {"momentum": 0.9}],
    ),
    "adagrad": (partial(Adagrad, initial_accumulator_value=0.1), [{"lr": rate} for rate in (0.1, 0.2, 0.1, 0.2)]),
    "adagrad_decay": (Adagrad, [{"lr": 0.1, "lr_decay": share} for share in (0.0, 0.1, 0.2, 0.0)]),
    "nadam": (NAdam, [{"lr": 0.01}, {"betas": (0.8, 0.99)}, {"momentum_decay": 0.01}, {"lr": 0.01}]),
    "radam": (RAdam, [{"lr": rate} for rate in (0.1, 0.1, 0.2, 0.2)]),
    "adamax": (Adamax, [{"lr": rate, "weight_decay": 0.1} for rate in (0.1, 0.2, 0.3, 0.4)]),
    "adadelta": (Adadelta, [{"rho": share} for share in (0.9, 0.9, 0.9, 0.8)]),
    "asgd": (ASGD, [{"lr": rate} for rate in (0.1, 0.2, 0.1, 0.2)]),
    "rprop": (Rprop, [{"lr": rate} for rate in (0.1, 0.2, 0.1, 0.2)]),
    "sgd_dampening": (partial(SGD, dampening=0.1, momentum=0.9), [{"lr": rate} for rate in (0.1, 0.2, 0.1, 0.2)]),
    "adam_amsgrad": (partial(Adam, amsgrad=True), [{"lr": rate} for rate in (0.1, 0.2, 0.2, 0.1)]),
    "adamw_maximize": (partial(AdamW, maximize=True), [{"lr": rate} for rate in (0.1, 0.2, 0.2, 0.1)]),
    "rmsprop_foreach": (partial(RMSprop, foreach=True), [{"lr": rate} for rate in (0.01, 0.02, 0.02, 0.03)]),
    "radam_foreach": (partial(RAdam, foreach=True), [{"lr": rate} for rate in (0.01, 0.01, 0.02, 0.02)]),
}
CASES |= SLICED


class Pair:
    """Members with torch's own optimizers, and a stack of copies of them."""

    def __init__(self, case: str) -> None:
        make, settings = CASES[case]
        generator = torch.Generator().manual_seed(0)

        def draw(shape: tuple[int, ...]) -> Tensor:
            return torch.randn(shape, generator=generator, dtype=torch.float64)

        self.draw = draw
        self.alone = [[nn.Parameter(draw(shape)) for shape in SHAPES] for _ in settings]
        self.optimizers = [make(own, **chosen) for own, chosen in zip(self.alone, settings, strict=True)]
        self.stacks = [nn.Parameter(torch.stack([own[i].detach() for own in self.alone])) for i in range(len(SHAPES))]
        # The stack's members hold settings and never step.
        self.members = [make(deepcopy(own), **chosen) for own, chosen in zip(self.alone, settings, strict=True)]
        self.stacked = stack_optimizers(self.stacks, self.members)

    def step(self, members: list[int]) -> None:
        """One step of some members, of all as with ``active`` None."""
        for i, stack in enumerate(self.stacks[:WITH_GRADIENT]):
            # The rows of members that do not take part hold the gradients of an earlier step.
            stack.grad = self.draw(tuple(stack.shape))
            for number in members:
                self.alone[number][i].grad = stack.grad[number].clone()
        for number in members:
            self.optimizers[number].step()
        self.stacked.active = None if len(members) == len(self.alone) else torch.tensor(members)
        self.stacked.update()

    def assert_equal(self) -> None:
        for i, stack in enumerate(self.stacks):
            for number, own in enumerate(self.alone):
                torch.testing.assert_close(stack[number], own[i], rtol=1e-12, atol=1e-12)

    def state(self, number: int) -> dict[int, dict[str, Any]]:
        return type(self.stacked).member_state(self.stacked.stacks(), number, self.members[number])


@pytest.fixture(params=CASES)
def pair(request: pytest.FixtureRequest) -> Pair:
    return Pair(request.param)


def test_each_member_takes_the_steps_of_torchs_optimizer(pair: Pair) -> None:
    before = [stack[:, 0].clone() for stack in pair.stacks]
    for _ in range(3):
        pair.step([0, 1, 2, 3])
        pair.assert_equal()
    moved = [not torch.equal(stack[:, 0], was) for stack, was in zip(pair.stacks, before, strict=True)]
    assert moved == [True] * WITH_GRADIENT + [False]


def test_members_that_do_not_take_part_stay_as_they_are(pair: Pair) -> None:
    for members in ([0, 1, 2, 3], [3, 1], [1], [0, 1, 2, 3], [2, 0, 3]):
        pair.step(members)
        pair.assert_equal()
    assert pair.stacked.steps.tolist() == [3, 4, 3, 4]


def test_settings_are_read_anew_by_refresh(pair: Pair) -> None:
    pair.step([0, 1, 2, 3])
    for number in range(N_MEMBERS):
        for optimizer in (pair.optimizers[number], pair.members[number]):
            optimizer.param_groups[0]["lr"] *= 0.5 - 0.1 * number
    pair.stacked.refresh()
    pair.step([0, 1, 2, 3])
    pair.assert_equal()
    pair.step([2])
    pair.assert_equal()


def test_the_members_kept_go_on(pair: Pair) -> None:
    pair.step([0, 1, 2, 3])
    pair.step([0, 3])
    kept = [3, 0]
    pair.stacked.keep(torch.tensor(kept))
    for stack in pair.stacks:
        stack.data = stack.data[kept]
        stack.grad = None
    for name in ("alone", "optimizers", "members"):
        setattr(pair, name, [getattr(pair, name)[number] for number in kept])
    assert pair.stacked.members == pair.members
    for members in ([0, 1], [1]):
        pair.step(members)
        pair.assert_equal()
    assert pair.stacked.steps.tolist() == [3, 4]


def test_a_members_state_is_that_of_torchs_optimizer(pair: Pair) -> None:
    pair.step([0, 1, 2, 3])
    pair.step([1, 2])
    for number, optimizer in enumerate(pair.optimizers):
        state, wanted = pair.state(number), optimizer.state_dict()["state"]
        assert state.keys() == wanted.keys()
        for i, of_parameter in wanted.items():
            # In the order of torch's, which a checkpoint keeps.
            assert list(state[i]) == list(of_parameter)
            for name, value in of_parameter.items():
                assert state[i][name].dtype == value.dtype
                torch.testing.assert_close(state[i][name], value, rtol=1e-12, atol=1e-12)


def test_a_members_state_is_a_copy(pair: Pair) -> None:
    pair.step([0, 1, 2, 3])
    state = pair.state(3)
    kept = deepcopy(state)
    pair.step([0, 1, 2, 3])
    torch.testing.assert_close(state, kept, rtol=0, atol=0)


def test_settings_that_become_different_end_a_group() -> None:
    pair = Pair("rmsprop")
    pair.step([0, 1, 2, 3])
    for optimizer in (pair.optimizers[0], pair.members[0]):
        optimizer.param_groups[0]["lr"] *= 0.5
    pair.stacked.refresh()
    for _ in range(2):
        pair.step([0, 1, 2, 3])
        pair.assert_equal()


@pytest.mark.parametrize("case", SLICED)
def test_what_is_left_to_torchs_own_classes(case: str) -> None:
    assert isinstance(Pair(case).stacked, SlicedOptimizer)


@pytest.mark.parametrize("make", [SGD, partial(SGD, momentum=0.9, nesterov=True), Adam, AdamW, RMSprop, Adagrad])
def test_one_member_is_a_stack_too(make: Callable[..., Optimizer]) -> None:
    alone, stack = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(1, 3))
    optimizer, stacked = make([alone], lr=0.1), stack_optimizers([stack], [make([nn.Parameter(torch.ones(3))], lr=0.1)])
    for _ in range(2):
        alone.grad, stack.grad = torch.tensor([1.0, 2.0, -3.0]), torch.tensor([[1.0, 2.0, -3.0]])
        optimizer.step()
        stacked.update()
    torch.testing.assert_close(stack[0], alone)


def test_without_momentum_nothing_is_remembered() -> None:
    pair = Pair("sgd")
    pair.step([0, 1, 2, 3])
    assert pair.stacked.stacks().keys() == {"steps"}


def test_what_is_remembered_has_the_precision_of_the_parameters() -> None:
    (stack,) = stacks = [nn.Parameter(torch.ones(2, 3))]
    stacked = stack_optimizers(stacks, [Adam([nn.Parameter(torch.ones(3))], lr=rate) for rate in (0.1, 0.2)])
    stack.grad = torch.ones(2, 3)
    stacked.update()
    assert {name: (value.dtype, value.shape) for name, value in stacked.stacks().items()} == {
        "steps": (torch.float64, (2,)),
        "0/exp_avg": (torch.float32, (2, 3)),
        "0/exp_avg_sq": (torch.float32, (2, 3)),
    }
    # One step of Adam is its learning rate.
    torch.testing.assert_close(stack.detach(), torch.tensor([[0.9] * 3, [0.8] * 3]))


def test_a_step_returns_what_its_closure_returns() -> None:
    pair = Pair("sgd")
    before = pair.stacks[0].detach().clone()

    def closure() -> str:
        pair.stacks[0].grad = torch.ones_like(pair.stacks[0])
        return "the loss"

    assert pair.stacked.step(closure) == "the loss"
    rates = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    torch.testing.assert_close(before - pair.stacks[0].detach(), rates.view(4, 1, 1).expand(4, 5, 3))
    assert pair.stacked.step() is None
    assert pair.stacked.steps.tolist() == [2] * N_MEMBERS


def test_the_stack_itself_has_no_learning_rate_of_its_own() -> None:
    stacked: StackedOptimizer = Pair("sgd").stacked
    (group,) = stacked.param_groups
    assert group["lr"] == 1.0


@pytest.mark.parametrize(
    ("optimizer", "reason"),
    [
        (lambda own: LBFGS(own), f"LBFGS {NO_STACK}"),
        (lambda own: Adafactor(own), f"Adafactor {NO_STACK}"),
        (lambda own: type("Own", (SGD,), {})(own), f"Own {NO_STACK}"),
        (
            lambda own: SGD([{"params": own[:1]}, {"params": own[1:], "lr": 0.1}]),
            "its optimizer has several parameter groups",
        ),
    ],
)
def test_what_has_no_exact_stack_is_refused(optimizer: Callable[..., Optimizer], reason: str) -> None:
    with pytest.raises(CannotStackError) as caught:
        check_optimizer(optimizer([nn.Parameter(torch.ones(2)) for _ in range(2)]))
    assert str(caught.value) == reason


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_what_has_an_exact_stack_is_accepted(kind: Callable[..., Optimizer]) -> None:
    check_optimizer(kind([nn.Parameter(torch.ones(2))], lr=0.1, weight_decay=0.1))
