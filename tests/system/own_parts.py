"""A user's LightningModules and LightningDataModules, as the tests name them on command lines."""

from typing import Any

import lightning as L
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


class Plain(L.LightningModule):
    """As in Lightning's first tutorial."""

    def __init__(self, n_features: int = 5, width: int = 4, lr: float = 0.05) -> None:  # noqa: ARG002
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(n_features, width), nn.Dropout(0.5), nn.ReLU(), nn.Linear(width, 1))

    def log_loss(self, batch: Any, split: str) -> Tensor:
        loss = F.binary_cross_entropy_with_logits(self.net(batch[0]).squeeze(1), batch[1].float())
        self.log(f"{split}/loss", loss, on_step=False, on_epoch=True)
        return loss

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:  # noqa: ARG002
        return self.log_loss(batch, "train")

    def validation_step(self, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        self.log_loss(batch, "val")

    def test_step(self, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        self.log_loss(batch, "test")

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=self.hparams["lr"])


class FromGroups(Plain):
    """Takes its optimizer and its schedule as the Lightning-Hydra template hands them over."""

    def __init__(self, optimizer: Any, scheduler: Any = None, **settings: Any) -> None:
        super().__init__(**settings)
        self.optimizer, self.scheduler = optimizer, scheduler

    def configure_optimizers(self) -> Any:
        optimizer = self.optimizer(self.parameters())
        return optimizer if self.scheduler is None else ([optimizer], [self.scheduler(optimizer)])


class TwoOptimizers(Plain):
    """Manual optimization, with metrics whose names do not tell the split."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        first, second = self.optimizers()
        loss = self.log_loss(batch, "train")
        first.zero_grad()
        second.zero_grad()
        self.manual_backward(loss)
        first.step()
        second.step()
        self.log("train_loss", loss, on_step=True, on_epoch=True)

    def validation_step(self, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        self.log("val_acc", ((self.net(batch[0]).squeeze(1) > 0) == batch[1]).float().mean())

    def configure_optimizers(self) -> Any:
        first, last = self.net[0], self.net[3]
        return torch.optim.SGD(first.parameters(), lr=0.1), torch.optim.SGD(last.parameters(), lr=0.1)


class WithoutTest(L.LightningModule):
    """Trains, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Linear(5, 1)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:  # noqa: ARG002
        loss = F.binary_cross_entropy_with_logits(self.net(batch[0]).squeeze(1), batch[1].float())
        self.log("train/loss", loss, on_step=False, on_epoch=True)
        return loss

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class WithoutOptimizer(L.LightningModule):
    """Lacks configure_optimizers."""

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        raise NotImplementedError


class Diverging(Plain):
    """Its loss is NaN."""

    def log_loss(self, batch: Any, split: str) -> Tensor:
        return super().log_loss((batch[0] * torch.nan, batch[1]), split)


class MyData(L.LightningDataModule):
    """Rows in another order in every epoch, by torch's own loader."""

    def __init__(self, n: int = 120, batch_size: int = 16) -> None:
        super().__init__()
        self.n, self.batch_size = n, batch_size

    def setup(self, stage: str) -> None:  # noqa: ARG002
        x = torch.randn(self.n, 5, generator=torch.Generator().manual_seed(0))
        self.table = TensorDataset(x, (x.sum(1) > 0).long())

    def train_dataloader(self) -> Any:
        return DataLoader(self.table, self.batch_size, shuffle=True)

    def val_dataloader(self) -> Any:
        return DataLoader(self.table, 64)

    def test_dataloader(self) -> Any:
        return DataLoader(self.table, 64)


class Told(MyData):
    """Tells this project's models what they must know."""

    n_features = 5
    n_classes = 2


class InDoubles(Told):
    """Rows of a type that this project's models do not take."""

    def setup(self, stage: str) -> None:
        super().setup(stage)
        self.table = TensorDataset(self.table.tensors[0].double(), self.table.tensors[1])


class WithoutRows(L.LightningDataModule):
    """Lacks train_dataloader."""
