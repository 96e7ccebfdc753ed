"""The text of ``python train.py --help``. Hydra's own help reads every schema first, which takes two seconds."""

import textwrap

from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.invocation import training_command

_SUMMARY = "Train, test and log a model on a table."
# Arguments, and what they do.
_EXAMPLES = {
    "": "logistic regression on the breast-cancer data",
    "model=digits_mlp": "ten-class MLP on the digits",
    "model=digits_mlp trainer=gpu": "the same on a GPU",
    "data=wine model=softmax seed=1": "another data set, model and seed",
    "optimizer=adam optimizer.lr=0.001": "another optimizer, and its rate",
    "experiment=notebook_digits": "a stored experiment",
    "-m 'seed=range(5)' optimizer.lr=0.1,1": "ten runs, one for each pair",
    "data=table data.path=x.csv data.target=y": "a table of your own",
    "--cfg job": "every setting, without running anything",
    "--hydra-help": "Hydra's own options",
}
_SHOWN_LAST = ("experiment", "debug")
# The project's own, and those of Hydra's that come as extras.
_LAUNCHERS = ["population", "joblib", "submitit_local", "submitit_slurm", "ray"]


def help_text() -> str:
    """Common commands, and the options of each group."""
    folders = [folder for folder in CONF_DIR.iterdir() if folder.is_dir() and folder.name not in ("hydra", "paths")]
    folders.sort(key=lambda folder: (folder.name in _SHOWN_LAST, folder.name))
    groups = {folder.name: sorted(file.stem for file in folder.glob("[!_]*.yaml")) for folder in folders}
    groups["hydra/launcher"] = _LAUNCHERS
    command = training_command()
    width = len(command) + max(map(len, _EXAMPLES)) + 1
    examples = [f"  {f'{command} {arguments}':<{width}}  {result}" for arguments, result in _EXAMPLES.items()]
    lines = [_SUMMARY, "", *examples, "", "Groups (group=option):"]
    for name, options in groups.items():
        if options:
            start = f"  {name:<16}"
            lines.append(textwrap.fill(", ".join(options), 100, initial_indent=start, subsequent_indent=" " * 18))
    return "\n".join(lines)
