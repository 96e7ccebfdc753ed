"""Settings and options of the Lightning-Hydra template that have another name here. Imports nothing heavy."""

_HERE = {
    "optimized_metric": "type monitor=<metric>, which sweeps, the best checkpoint and early stopping all follow",
    "direction": "type mode=min or mode=max, the direction in which monitor improves",
    "hydra.sweeper.direction": "type mode=min or mode=max, the direction in which monitor improves",
    "model.optimizer": "type optimizer=<option> or optimizer.<argument>=<value>",
    "model.scheduler": "type scheduler=<option> or scheduler.<argument>=<value>",
    "model.net": "type model.network.<argument>=<value>",
    "model.compile": "type compile=true",
    "data.train_val_test_split": "type data.val_fraction=<share> and data.test_fraction=<share>",
    "paths.data_dir": "type data.path=<file>; for a value of your own, extras.data_dir=<folder>",
    "data.data_dir": "type data.path=<file>; for a value of your own, extras.data_dir=<folder>",
    "trainer.logger": "type logger=<option>",
    "trainer.callbacks": "type callbacks=<option> or callbacks.<name>._target_=<class>",
}
_OPTIONS_HERE = {
    "callbacks=rich_progress_bar": "type callbacks.progress=rich",
    "callbacks=model_checkpoint": "type callbacks.checkpoint.<argument>=<value>",
    "callbacks=early_stopping": "type callbacks.early_stopping.<argument>=<value>",
    "callbacks=model_summary": "type callbacks.summary._target_=lightning.pytorch.callbacks.ModelSummary",
    "logger=comet": "type logger.comet._target_=lightning.pytorch.loggers.CometLogger",
    "logger=neptune": "Lightning has no logger for it any more; see --help for those that there are",
    "data=mnist": "type data=digits, which has images of 8 by 8 pixels",
}


def name_here(key: str) -> str | None:
    """What to type for a setting of the template, to stand behind "there is no setting"; None for any other."""
    return next((fix for name, fix in _HERE.items() if key == name or key.startswith(f"{name}.")), None)


def option_here(option: str) -> str | None:
    """What to type for an option of the template such as ``callbacks=rich_progress_bar``; None for any other."""
    return _OPTIONS_HERE.get(option)
