import os

import pytest

from perceptron.composition.settings.checks import check
from perceptron.errors import UsageError


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No variable of a cluster's."""
    for name in list(os.environ):
        if name.startswith(("MASTER_", "NODE_", "GROUP_", "TORCHELASTIC_", "SLURM_", "LSB_", "OMPI_", "PMI")):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.mark.usefixtures("alone")
def test_nodes_that_know_nothing_of_one_another_are_refused(composed) -> None:
    cfg, _ = composed("trainer.num_nodes=2")
    with pytest.raises(UsageError) as caught:
        check(cfg)
    assert str(caught.value) == (
        "trainer.num_nodes=2 needs nodes that know of one another, got neither MASTER_ADDR nor NODE_RANK; "
        "set both on each node, or start with srun or torchrun"
    )


@pytest.mark.parametrize("name", ["MASTER_ADDR", "NODE_RANK", "SLURM_NTASKS", "TORCHELASTIC_RUN_ID"])
def test_nodes_of_a_cluster_are_not(name: str, alone: pytest.MonkeyPatch, composed) -> None:
    alone.setenv(name, "1")
    cfg, _ = composed("trainer.num_nodes=2")
    check(cfg)
