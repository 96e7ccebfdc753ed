"""The peer of a whole run: the same libraries imported, and a plain PyTorch loop with validation and a test.

    python benchmarks/bare_process.py 51 [figures]

As many epochs as are typed, on the digits, batch 32, 64-100-100-10, with the best weights kept in memory. Writes
nothing. With ``figures`` it also imports what a run imports to draw its figures, and draws none.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import same_imports  # noqa: F401
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


def main() -> None:
    """Train, validate after each epoch, and test the best weights."""
    epochs = int(sys.argv[1])
    if "figures" in sys.argv[2:]:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: F401
        from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: F401
        from matplotlib.figure import Figure  # noqa: F401
    torch.set_num_threads(1)
    torch.manual_seed(0)
    raw, labels = load_digits(return_X_y=True)
    others, test, others_labels, test_labels = train_test_split(
        raw, labels, test_size=0.2, stratify=labels, random_state=0
    )
    train, val, train_labels, val_labels = train_test_split(
        others, others_labels, test_size=0.1875, stratify=others_labels, random_state=0
    )
    scaler = StandardScaler().fit(train)
    features, val_features, test_features = (
        torch.tensor(scaler.transform(rows), dtype=torch.float32) for rows in (train, val, test)
    )
    target, val_target, test_target = (torch.from_numpy(rows) for rows in (train_labels, val_labels, test_labels))
    model = torch.nn.Sequential(
        torch.nn.Linear(64, 100), torch.nn.ReLU(), torch.nn.Linear(100, 100), torch.nn.ReLU(), torch.nn.Linear(100, 10)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    best, best_weights = float("inf"), model.state_dict()
    for _ in range(epochs):
        order = torch.randperm(len(target))
        for first in range(0, len(target), 32):
            rows = order[first : first + 32]
            optimizer.zero_grad()
            F.cross_entropy(model(features[rows]), target[rows]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        with torch.no_grad():
            loss = F.cross_entropy(model(val_features), val_target).item()
        if loss < best:
            best, best_weights = loss, {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(best_weights)
    with torch.no_grad():
        accuracy = (model(test_features).argmax(1) == test_target).double().mean().item()
    print(f"val/loss {best:.4f}  test/acc {accuracy:.4f}")


if __name__ == "__main__":
    main()
