"""Only imports: the libraries of `python train.py model=digits_mlp`, as a script would import them.

``python benchmarks/same_imports.py`` is the price of importing them.
"""

import time

STARTED = time.perf_counter()

import hydra  # noqa: E402, F401
import lightning  # noqa: E402, F401
import omegaconf  # noqa: E402, F401
import torch  # noqa: E402
import torchmetrics.functional  # noqa: E402, F401
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint  # noqa: E402, F401
from lightning.pytorch.loggers import TensorBoardLogger  # noqa: E402, F401
from rich.console import Console  # noqa: E402, F401
from rich.progress import Progress  # noqa: E402, F401
from rich.table import Table  # noqa: E402, F401
from sklearn.datasets import load_digits  # noqa: E402, F401
from sklearn.model_selection import train_test_split  # noqa: E402, F401
from sklearn.preprocessing import StandardScaler  # noqa: E402, F401
from torch.utils.tensorboard import SummaryWriter  # noqa: E402, F401

# The first optimizer of a process imports more of torch, a second of it.
torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])
