"""What ``python train.py --help`` prints. Hydra's own help reads every schema for it, which takes two seconds."""

from perceptron.composition.settings.overrides import CONF_DIR

_COMMANDS = """\
Train, test and log a model on a table.

  python train.py                                         logistic regression on the breast-cancer data
  python train.py model=digits_mlp                        ten-class MLP on the digits
  python train.py model=digits_mlp trainer=gpu            the same on a GPU
  python train.py data=wine model=softmax seed=1          another data set, model and seed
  python train.py optimizer=adam optimizer.lr=0.001       another optimizer, and its rate
  python train.py experiment=notebook_digits              a stored experiment
  python train.py -m 'seed=range(5)' optimizer.lr=0.1,1   ten runs, one for each pair
  python train.py data=table data.path=x.csv data.target=y a table of your own
  python train.py --cfg job                               every setting, without running anything
  python train.py --hydra-help                            Hydra's own options
"""
_SHOWN_LAST = ("experiment", "debug")


def help_text() -> str:
    """The commonest commands and the options of each group."""
    folders = [folder for folder in CONF_DIR.iterdir() if folder.is_dir() and folder.name not in ("hydra", "paths")]
    folders.sort(key=lambda folder: (folder.name in _SHOWN_LAST, folder.name))
    lines = [_COMMANDS, "Groups (group=option):"]
    for folder in folders:
        options = sorted(file.stem for file in folder.glob("[!_]*.yaml"))
        if options:
            lines.append(f"  {folder.name:<10} {', '.join(options)}")
    return "\n".join(lines)
