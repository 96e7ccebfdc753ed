"""What the callbacks of members do at the end of an epoch: stop them, take up their weights, prune them."""

from collections.abc import Sequence

import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from perceptron.population.callback_rules import improvement, stops
from perceptron.population.member import Member


def looks(member: Member, *, validated: bool) -> bool:
    """Whether a member's callbacks look at its metrics: at each epoch's end, or after each validation."""
    return validated or member.epochs_per_validation == 1


def ends(members: Sequence[Member], validated: Sequence[bool], epoch: int) -> list[bool]:
    """Whether each member has failed or is stopped early.

    Args:
        members: in training.
        validated: whether each one's validation rows have been scored in the epoch.
        epoch: its number.
    """
    return [
        member.failure is not None
        or (
            looks(member, validated=has)
            # All of them look, as Lightning has it.
            and sum(stops(rule, member.seen(str(rule.monitor)), epoch) for rule in member.early_stopping) > 0
        )
        for member, has in zip(members, validated, strict=True)
    ]


def taken_up(member: Member, rule: ModelCheckpoint, epoch: int, *, validated: bool) -> str | None:
    """The path of the file for which a rule takes up a member's present state; None if it does not."""
    is_due = rule.every_n_epochs is None or (epoch + 1) % rule.every_n_epochs == 0
    if member.failure is not None or not is_due or not looks(member, validated=validated):
        return None

    def path() -> str:
        metrics = member.latest_metrics(at_validation=True)
        values = {name: torch.tensor(value) for name, value in metrics.items()}
        counts = {"epoch": torch.tensor(epoch), "step": torch.tensor(member.steps)}
        return rule.format_checkpoint_name(values | counts)

    return improvement(rule, member.seen(str(rule.monitor)), path)


def prune(members: Sequence[Member], leaving: Sequence[bool], epoch: int) -> None:
    """Prune members of a search that would continue but fall behind."""
    for is_leaving, member in zip(leaving, members, strict=True):
        if member.pruning is not None and not is_leaving:
            value = member.latest(member.pruning.monitor).item()
            member.failure = member.pruning.verdict(value, epoch)
