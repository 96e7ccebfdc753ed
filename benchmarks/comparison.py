"""The project's models beside scikit-learn's on identical rows: repeated cross-validation, and the table.

python benchmarks/comparison.py [folds=10] [seeds=5] [out=logs/comparison] [hydra/launcher=joblib ...]

Each repetition has a seed of its own for the split and for the model. 400 runs by default; started again, it goes on
where it was interrupted.
"""

import subprocess
import sys
from pathlib import Path

from measuring import ROOT

# A sweep each: its settings, then what it compares.
SWEEPS = {
    "breast_cancer": ["data=breast_cancer", "model=logistic,binary_mlp,sklearn_logistic,sklearn_mlp"],
    "digits": ["data=digits", "model=digits_mlp,softmax,sklearn_svc"],
    # The twin of digits_mlp has its two hidden layers.
    "digits_sklearn_mlp": ["data=digits", "model=sklearn_mlp", "model.estimator.hidden_layer_sizes=[100,100]"],
}


def main() -> None:
    """Run the sweeps and compare."""
    settings = {"folds": "10", "seeds": "5", "out": "logs/comparison"}
    own = []
    for argument in sys.argv[1:]:
        key, _, value = argument.partition("=")
        if key in settings:
            settings[key] = value
        else:
            own.append(argument)
    out = Path(settings["out"]).absolute()
    folders = []
    for name, sweep in SWEEPS.items():
        folder = out / name
        folders.append(str(folder))
        if (folder / "multirun.yaml").is_file():
            arguments = [f"sweep.resume={folder}", *(text for text in own if text.startswith("hydra"))]
        else:
            arguments = [
                *sweep,
                f"data.folds={settings['folds']}",
                f"data.fold=range({settings['folds']})",
                f"seed=range({settings['seeds']})",
                "data.split_seed=${seed}",
                "logger=none",
                f"hydra.sweep.dir={folder}",
                *own,
            ]
        command = [sys.executable, str(ROOT / "train.py"), "-m", *arguments]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            sys.exit(f"the sweep {name} has failed jobs; see {folder}/summary.md")
    subprocess.run([sys.executable, "-m", "perceptron", "compare", *folders, f"output={out}"], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
