"""The text of ``python train.py --help``. Hydra's own help reads every schema first, which takes two seconds."""

import textwrap

from perceptron.composition.settings.conf_folder import CONF_DIR

_COMMANDS = """\
Train, test and log a model on a table.

  python train.py                                           logistic regression on the breast-cancer data
  python train.py model=digits_mlp                          ten-class MLP on the digits
  python train.py model=digits_mlp trainer=gpu              the same on a GPU
  python train.py data=wine model=softmax seed=1            another data set, model and seed
  python train.py optimizer=adam optimizer.lr=0.001         another optimizer, and its rate
  python train.py experiment=notebook_digits                a stored experiment
  python train.py -m 'seed=range(5)' optimizer.lr=0.1,1     ten runs, one for each pair
  python train.py data=table data.path=x.csv data.target=y  a table of your own
  python train.py --cfg job                                 every setting, without running anything
  python train.py --hydra-help                              Hydra's own options
"""
_SHOWN_LAST = ("experiment", "debug")
# The project's own, and those of Hydra's that come as extras.
_LAUNCHERS = ["population", "joblib", "submitit_local", "submitit_slurm", "ray"]


def help_text() -> str:
    """Common commands, and the options of each group."""
    folders = [folder for folder in CONF_DIR.iterdir() if folder.is_dir() and folder.name not in ("hydra", "paths")]
    folders.sort(key=lambda folder: (folder.name in _SHOWN_LAST, folder.name))
    groups = {folder.name: sorted(file.stem for file in folder.glob("[!_]*.yaml")) for folder in folders}
    groups["hydra/launcher"] = _LAUNCHERS
    lines = [_COMMANDS, "Groups (group=option):"]
    for name, options in groups.items():
        if options:
            start = f"  {name:<16}"
            lines.append(textwrap.fill(", ".join(options), 100, initial_indent=start, subsequent_indent=" " * 18))
    return "\n".join(lines)
