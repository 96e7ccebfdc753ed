"""The text of ``python train.py --help``. Hydra's own help reads every schema first, which takes two seconds."""

import textwrap

from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.invocation import training_command
from perceptron.terminal.text import text_width

_EXAMPLES = {
    "": "logistic regression on breast_cancer",
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
_LONGEST_EXAMPLE = max(map(len, _EXAMPLES))
_SHOWN_LAST = ("experiment", "debug")
# The project's own, and those of Hydra's that come as extras.
_LAUNCHERS = ["population", "joblib", "submitit_local", "submitit_slurm", "ray"]


def help_text() -> str:
    """Common commands, and the options of each group."""
    folders = [folder for folder in CONF_DIR.iterdir() if folder.is_dir() and folder.name not in ("hydra", "paths")]
    folders.sort(key=lambda folder: (folder.name in _SHOWN_LAST, folder.name))
    groups = {folder.name: sorted(file.stem for file in folder.glob("[!_]*.yaml")) for folder in folders}
    groups["hydra/launcher"] = _LAUNCHERS
    width = text_width()
    lines = ["Train, test and log a model on a table.", "", *_examples(width), "", "Groups (group=option):"]
    for name, options in groups.items():
        if options:
            start = f"  {name:<16}"
            lines.append(textwrap.fill(", ".join(options), width, initial_indent=start, subsequent_indent=" " * 18))
    return "\n".join(lines)


def _examples(width: int) -> list[str]:
    """A command and its meaning in a line; in two lines if they do not fit."""
    program = training_command()
    lines = [(f"  {program} {typed:<{_LONGEST_EXAMPLE}}", meaning) for typed, meaning in _EXAMPLES.items()]
    if all(len(command) + 2 + len(meaning) <= width for command, meaning in lines):
        return [f"{command}  {meaning}" for command, meaning in lines]
    return [line for command, meaning in lines for line in (command.rstrip(), f"      {meaning}")]
