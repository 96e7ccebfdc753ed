"""Each mistake: one line with rule, value and fix, status 2, before torch is imported, nothing written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

# What is typed, and the one line that it must give, whole.
BAD = [
    # Names
    ("modle=logistic", "there is no setting modle; did you mean model?"),
    ("model=logistc", "there is no model=logistc; did you mean logistic?"),
    ("data=digit", "there is no data=digit; did you mean digits?"),
    ("optimizer=sdg", "there is no optimizer=sdg; did you mean sgd?"),
    ("scheduler=cosin", "there is no scheduler=cosin; did you mean cosine?"),
    ("trainer=gpus", "there is no trainer=gpus; did you mean gpu?"),
    ("logger=tensorbord", "there is no logger=tensorbord; did you mean tensorboard?"),
    ("callbacks=rich_progress_bar", "there is no callbacks=rich_progress_bar; type callbacks.progress=rich"),
    ("data=mnist", "there is no data=mnist; type data=digits, which has images of 8 by 8 pixels"),
    ("callbacks=non", "there is no callbacks=non; did you mean none?"),
    ("local=foo", "local must be a file in conf/local, got foo; write conf/local/foo.yaml or leave it out"),
    (
        "experiment=notebook_digit",
        "there is no experiment=notebook_digit; did you mean notebook_digits?",
    ),
    ("debug=overfitt", "there is no debug=overfitt; did you mean overfit?"),
    ("optimizer.lrr=1", "there is no setting optimizer.lrr; did you mean optimizer.lr?"),
    ("optimizer.momentom=0.9", "there is no setting optimizer.momentom; did you mean optimizer.momentum?"),
    (
        "optimizer._target_=torch.optim.RMSprop optimizer.alhpa=0.9",
        "there is no setting optimizer.alhpa; did you mean optimizer.alpha?",
    ),
    (
        "optimizer=adam +optimizer.momentum=0.9",
        "there is no setting optimizer.momentum; choose from amsgrad, betas, capturable, decoupled_weight_decay, "
        "differentiable, eps, foreach, fused, lr, maximize, weight_decay",
    ),
    (
        "optimizer._target_=torch.optim.RMSprop optimizer.nesterov=true",
        "there is no setting optimizer.nesterov; choose from alpha, capturable, centered, differentiable, eps, "
        "foreach, lr, maximize, momentum, weight_decay",
    ),
    (
        "-m optimizer._target_=torch.optim.RMSprop optimizer.alhpa=0.9,0.8",
        "there is no setting optimizer.alhpa; did you mean optimizer.alpha?",
    ),
    ("scheduler=step scheduler.gama=0.5", "there is no setting scheduler.gama; did you mean scheduler.gamma?"),
    (
        "scheduler.step_size=5",
        "there is no setting scheduler.step_size without scheduler._target_; set scheduler=<option> too",
    ),
    (
        "scheduler._target_=torch.optim.lr_scheduler.StepLR",
        "scheduler.step_size is required; type scheduler.step_size=<value>",
    ),
    ("trainer.max_epoch=5", "there is no setting trainer.max_epoch; did you mean trainer.max_epochs?"),
    ("+trainer.max_epoch=5", "there is no setting trainer.max_epoch; did you mean trainer.max_epochs?"),
    ("+sed=1", "there is no setting sed; did you mean seed? A setting of your own is extras.sed=<value>"),
    ("data.batchsize=5", "there is no setting data.batchsize; did you mean data.batch_size?"),
    ("model.network.hiden=[5]", "there is no setting model.network.hiden; did you mean model.network.hidden?"),
    ("sead=1", "there is no setting sead; did you mean seed?"),
    (
        "data.dataset._target_=sklearn.datasets.fetch_file data.dataset.url=x",
        "data.dataset._target_ must be a load_*, fetch_* or make_* function of sklearn.datasets, got "
        "sklearn.datasets.fetch_file; name one that yields a table and a target",
    ),
    # Kinds
    ("trainer.max_epochs=abc", "trainer.max_epochs must be a whole number, got 'abc'; set trainer.max_epochs"),
    ("trainer.max_epochs=1.5", "trainer.max_epochs must be a whole number, got 1.5; set trainer.max_epochs"),
    ("optimizer.lr=fast", "optimizer.lr must be a number, got 'fast'; set optimizer.lr"),
    ("optimizer.lr=null", "optimizer.lr must be a number, got null; set optimizer.lr"),
    ("seed=one", "seed must be a whole number, got 'one'; set seed"),
    ("train=maybe", "train must be true or false, got 'maybe'; set train"),
    ("data.val_fraction=half", "data.val_fraction must be a number, got 'half'; set data.val_fraction"),
    ("optimizer.nesterov=perhaps", "optimizer.nesterov must be true or false, got 'perhaps'; set optimizer.nesterov"),
    (
        "optimizer._target_=torch.optim.RMSprop optimizer.alpha=high",
        "optimizer.alpha must be a number, got 'high'; set optimizer.alpha",
    ),
    (
        "-m optimizer._target_=torch.optim.RMSprop optimizer.alpha=0.9,high",
        "optimizer.alpha must be a number, got 'high'; set optimizer.alpha",
    ),
    (
        "optimizer=adam optimizer.amsgrad=maybe",
        "optimizer.amsgrad must be true or false, got 'maybe'; set optimizer.amsgrad",
    ),
    (
        "optimizer._target_=torch.optim.Rprop optimizer.etas=[0.5]",
        "optimizer.etas must be a list of 2, got [0.5]; set optimizer.etas",
    ),
    (
        "scheduler=step scheduler.interval=day",
        "scheduler.interval must be epoch or step, got 'day'; set scheduler.interval",
    ),
    # Ranges
    ("scheduler=step scheduler.frequency=0", "scheduler.frequency must be at least 1, got 0; set scheduler.frequency"),
    ("optimizer.lr=-1", "optimizer.lr must be above 0, got -1; set optimizer.lr"),
    ("optimizer.lr=0", "optimizer.lr must be above 0, got 0; set optimizer.lr"),
    (
        "optimizer.lr=1e39",
        "optimizer.lr must be above 0, got 1e+39, which single precision does not have; set optimizer.lr",
    ),
    ("optimizer.lr=nan", "optimizer.lr must be above 0, got nan; set optimizer.lr"),
    ("optimizer.momentum=1", "optimizer.momentum must be in [0, 1), got 1; set optimizer.momentum"),
    ("optimizer.weight_decay=-0.1", "optimizer.weight_decay must be at least 0, got -0.1; set optimizer.weight_decay"),
    ("data.val_fraction=1.5", "data.val_fraction must be in [0, 1), got 1.5; set data.val_fraction"),
    ("data.test_fraction=-0.1", "data.test_fraction must be in [0, 1), got -0.1; set data.test_fraction"),
    (
        "model=tabm model.network.embeddings=piecewise",
        "model.network.embeddings must be one of none, linear, periodic, piecewise_linear, got piecewise; set "
        "model.network.embeddings",
    ),
    (
        "model.network.categories=onehot",
        "model.network.categories must be one of one_hot, embedding, got onehot; set model.network.categories",
    ),
    (
        "model.network.category_width=0",
        "model.network.category_width must be at least 1, got 0; set model.network.category_width",
    ),
    (
        "model.network.category_width=8",
        "model.network.category_width is that of embeddings, got 8 beside model.network.categories=one_hot; set "
        "model.network.categories=embedding",
    ),
    (
        "trainer.strategy=ddp_spawn trainer.devices=2 trainer.accelerator=cpu",
        "trainer.strategy must be auto, ddp or another that starts its processes by the command line, got ddp_spawn; "
        "set trainer.strategy",
    ),
    ("data.batch_size=0", "data.batch_size must be at least 1, got 0; set data.batch_size"),
    ("data.num_workers=-1", "data.num_workers must be at least 0, got -1; set data.num_workers"),
    ("data.on_device=gpu", "data.on_device must be one of auto, true, false, got gpu; set data.on_device"),
    ("data.on_device=1", "data.on_device must be one of auto, true, false, got 1; set data.on_device"),
    (
        "data.on_device=true data.num_workers=2",
        "data.on_device=true takes batches from the whole table on the device, got data.num_workers=2 beside it; "
        "leave one of them out",
    ),
    (
        "data.on_device=true data.block_size=8",
        "data.on_device=true takes batches from the whole table on the device, got data.block_size=8 beside it; "
        "leave one of them out",
    ),
    (
        "data.standardize=max",
        "data.standardize must be one of per_feature, global, none, got max; set data.standardize",
    ),
    ("data.task=binry", "data.task must be one of auto, binary, multiclass, regression, got binry; set data.task"),
    (
        "data.class_weights=balanced data.sampling=balanced",
        "data.class_weights and data.sampling must not both be balanced, got both: rare classes would count twice; "
        "leave one of them out",
    ),
    (
        "data.sampling=balanced model=sklearn_logistic",
        "data.sampling=balanced draws the rows of every epoch, got a model of scikit-learn, which is fitted to all "
        "rows at once; set data.class_weights=balanced",
    ),
    ("data.sampling=random", "data.sampling must be one of none, balanced, got random; set data.sampling"),
    ("model.threshold=1", "model.threshold must be in (0, 1), or auto, got 1; set model.threshold"),
    ("model.threshold=automatic", "model.threshold must be in (0, 1), or auto, got automatic; set model.threshold"),
    (
        "model.threshold=auto data.val_fraction=0 monitor=train/loss",
        "model.threshold=auto is chosen on validation rows, got data.val_fraction=0; set data.val_fraction above 0, or "
        "model.threshold to a number in (0, 1)",
    ),
    (
        "model.network.hidden=[0]",
        "model.network.hidden must be a list of widths of at least 1, got [0]; set model.network.hidden",
    ),
    ("model.network.dropout=1", "model.network.dropout must be in [0, 1), got 1; set model.network.dropout"),
    (
        "model.network.activation=rulu",
        "model.network.activation must be one of gelu, relu, sigmoid, silu, tanh, got rulu; "
        "set model.network.activation",
    ),
    ("seed=-1", "seed must be from 0 to 2**32 - 1, got -1; set seed"),
    ("trainer.max_epochs=0", "trainer.max_epochs must be at least 1, or -1 for no end, got 0; set trainer.max_epochs"),
    ("compile=max", "compile must be one of false, true, reduce-overhead, got max; set compile"),
    (
        "trainer.accelerator=gpuu",
        "trainer.accelerator must be one of auto, cpu, cuda, gpu, hpu, mps, tpu, got gpuu; set trainer.accelerator",
    ),
    (
        "trainer.log_every_n_steps=-1",
        "trainer.log_every_n_steps must be at least 0, got -1; set trainer.log_every_n_steps",
    ),
    ("task_name=a/b", "task_name must be a folder's name of letters, digits, _, - and ., got a/b; set task_name"),
    # What does not go together
    ("monitor=val/accuracy", "monitor must be a metric that this run logs, got val/accuracy; did you mean val/acc?"),
    (
        "model=linear monitor=val/acc",
        "monitor must be a metric that this run logs, got val/acc; did you mean val/mae?",
    ),
    (
        "data.val_fraction=0 monitor=val/loss",
        "monitor must be a metric that this run logs, got val/loss; did you mean train/loss?",
    ),
    (
        "callbacks.checkpoint.save_top_k=-2",
        "callbacks.checkpoint.save_top_k must be a whole number of at least 0, or -1 for all, got -2; set "
        "callbacks.checkpoint.save_top_k",
    ),
    (
        "callbacks.early_stopping.patiense=3",
        "there is no setting callbacks.early_stopping.patiense; did you mean callbacks.early_stopping.patience?",
    ),
    ("monitor=val/acc mode=min", "mode must be max for val/acc, got min; set mode=max"),
    ("metrics=defualt", "there is no metrics=defualt; did you mean default?"),
    (
        "callbacks.early_stoping.patience=3",
        "there is no setting callbacks.early_stoping; did you mean callbacks.early_stopping?",
    ),
    (
        "callbacks.g._target_=lightning.pytorch.callbacks.GradientAccumulationScheduler",
        "callbacks.g.scheduling is required; type callbacks.g.scheduling=<value>",
    ),
    (
        "data=moons data.dataset.n_sample=3",
        "there is no setting data.dataset.n_sample; did you mean data.dataset.n_samples?",
    ),
    (
        "model._target_=perceptron.models.BinaryClasifier",
        "there is no perceptron.models.BinaryClasifier; did you mean perceptron.models.BinaryClassifier?",
    ),
    ("metrics.defalt=null", "there is no setting metrics.defalt; did you mean metrics.default?"),
    ("+metrics.kappa=1", "metrics.kappa must be settings with a _target_, or null, got 1; change it"),
    (
        "+metrics.acc._target_=torchmetrics.Accuracy",
        "metrics.acc has the name of a metric that is reported anyway; choose another name",
    ),
    (
        "+metrics.cohen-kappa._target_=torchmetrics.CohenKappa",
        "a metric's name must be letters, digits and _, got metrics.cohen-kappa; choose another",
    ),
    (
        "metrics=none monitor=val/acc",
        "monitor must be a metric that this run logs, got val/acc; choose from train/loss, val/loss",
    ),
    (
        "+metrics.kappa._target_=torchmetrics.CohenKappa monitor=val/kapa",
        "monitor must be a metric that this run logs, got val/kapa; did you mean val/kappa?",
    ),
    (
        "model=auto monitor=val/accuracy",
        "monitor must be a metric that this run logs, got val/accuracy; did you mean val/acc?",
    ),
    (
        "callbacks.own._target_=calendar.Calendar monitor=val/skill",
        "mode is required for val/skill, whose direction is not known; set mode=max where a larger value is better, or "
        "mode=min",
    ),
    (
        "callbacks.own._target_=calendar.Calendar callbacks.early_stopping.monitor=val/skill",
        "callbacks.early_stopping.mode is required for val/skill, whose direction is not known; set "
        "callbacks.early_stopping.mode=max where a larger value is better, or callbacks.early_stopping.mode=min",
    ),
    (
        "callbacks.own._target_=calendar.Calendar monitor=val/skill mode=max scheduler=plateau scheduler.mode=min",
        "skill must improve in one direction, got mode=max and scheduler.mode=min; set both to the same",
    ),
    (
        "+callbacks.top._target_=lightning.pytorch.callbacks.ModelCheckpoint +callbacks.top.monitor=val/acc",
        "callbacks.top.mode must be max for val/acc, got min; set callbacks.top.mode=max",
    ),
    (
        "data.val_fraction=0.5 data.test_fraction=0.5",
        "data.val_fraction + data.test_fraction must be below 1, so that training rows are left, got 0.5 + 0.5; "
        "lower one of them",
    ),
    (
        "data.folds=5",
        "data.folds and data.fold go together, got data.folds=5 and data.fold=None; set both or none",
    ),
    ("data.folds=5 data.fold=5", "data.fold must be below data.folds=5, got 5; the folds are numbered from 0"),
    (
        "optimizer.nesterov=true",
        "optimizer.nesterov needs a momentum, got optimizer.momentum=0; set optimizer.momentum=0.9",
    ),
    (
        "trainer.max_epochs=-1",
        "training must end, got trainer.max_epochs=-1 without another limit; "
        "set trainer.max_epochs, trainer.max_steps or trainer.max_time",
    ),
    (
        "scheduler=cosine trainer.max_epochs=-1 trainer.max_steps=5",
        "the schedule cosine must know its length, got trainer.max_epochs=-1; set trainer.max_epochs",
    ),
    ("train=false", "train=false needs a trained model to test, got ckpt_path=null; set ckpt_path to a checkpoint"),
    (
        "train=false test=false",
        "train and test must not both be false: nothing would be done; set one of them to true",
    ),
    (
        "data.dataset._target_=sklearn.datasets.clear_data_home",
        "data.dataset._target_ must be a load_*, fetch_* or make_* function of sklearn.datasets, got "
        "sklearn.datasets.clear_data_home; name one that yields a table and a target",
    ),
    # Grammar
    ("seed", "an override is key=value, got seed; write seed=<value>"),
    (
        "model.network.hidden=[1,2",
        "an override must follow Hydra's grammar, got model.network.hidden=[1,2; correct its brackets, or type "
        "'model.network.hidden=\"[1,2\"' for a text",
    ),
    ("seed=1,2", "several values need a multirun, got seed=1,2; type python train.py -m seed=1,2"),
    ("-m seed=range(0)", "a sweep must have a value, got seed=range(0), which has none; widen it"),
    (
        "-m optimizer.lr=interval(0.1,1)",
        "an interval needs a search, got optimizer.lr=interval(0.1,1); add hydra/sweeper=optuna",
    ),
    (
        "-m hydra/sweeper=optuna optimizer.lr=interval(1,0.1)",
        "an interval must go from a lower to a higher number, got optimizer.lr=interval(1,0.1); swap its ends",
    ),
    ("data=arrays", "data.features is required; type data.features=<value>"),
    ("data.block_size=0", "data.block_size must be at least 1, got 0; set data.block_size"),
    (
        "data.block_size=10 data.sampling=balanced",
        "data.sampling=balanced draws rows of the whole table, got data.block_size=10 beside it; leave one of them "
        "out, or set data.class_weights=balanced",
    ),
    ("data.blocks_in_memory=0", "data.blocks_in_memory must be at least 1, got 0; set data.blocks_in_memory"),
    ("data=table", "data.path is required; type data.path=<value>"),
    ("data.missing_target=skip", "data.missing_target must be one of refuse, drop, got skip; set data.missing_target"),
    (
        "data.date_format=d/m/y",
        "data.date_format must be a form such as %d/%m/%Y, or one for each column, as {day: '%d/%m/%Y'}, got d/m/y; "
        "set data.date_format",
    ),
    (
        "data.date_format={day:'%d/%q/%Y'}",
        "data.date_format must be a form such as %d/%m/%Y, or one for each column, as {day: '%d/%m/%Y'}, got {'day': "
        "'%d/%q/%Y'}; set data.date_format",
    ),
    ("model=null", "a group takes the name of an option, got model=null; leave it out, or see --help"),
    ("optimizer=null", "a group takes the name of an option, got optimizer=null; leave it out, or see --help"),
    ("model.network=1", "model.network must be settings, got 1; type model.network._target_=<class>, or leave it out"),
    (
        "model=digits_mlp model.network.hidden=${data.batch_size}",
        "model.network.hidden must be a list of whole numbers, got 32; set model.network.hidden",
    ),
    ("monitor=[a]", "monitor must be a text, got ['a']; set monitor"),
    ("-m seed=range(1,3,0)", "a range must have a step that is not 0, got seed=range(1,3,0); set another"),
    (
        "hydra.verbose=[1,2]",
        "Hydra must be able to compose the settings, got: TypeError: A logger name must be a string; correct the "
        "configuration or hydra.verbose=[1,2]",
    ),
    (
        "--resolve",
        "a configuration is resolved when it runs, which makes its folder, got --resolve; leave --resolve out",
    ),
    (
        "model.network=null",
        "model.network must be settings, got null; type model.network._target_=<class>, or leave it out",
    ),
    ("callbacks.checkpoint=3", "callbacks.checkpoint must be settings with a _target_, or null, got 3; change it"),
    (
        "+callbacks.own={patience:1}",
        "callbacks.own must be settings with a _target_, or null, got {'patience': 1}; change it",
    ),
    ("logger.tensorboard=yes", "logger.tensorboard must be settings with a _target_, or null, got yes; change it"),
    ("paths.log_dir=", "paths.log_dir must be a folder, got ; set paths.log_dir"),
    (
        "trainer.val_check_interval=0",
        "trainer.val_check_interval must be above 0, or a time as DD:HH:MM:SS, got 0; set trainer.val_check_interval",
    ),
    (
        "trainer.num_threads=100000",
        "trainer.num_threads must be a number from 1 to 1024, or auto, got 100000; set trainer.num_threads",
    ),
    (
        "model=sklearn_mlp ckpt_path=some.ckpt",
        "ckpt_path is for networks, got some.ckpt for sklearn.neural_network.MLPClassifier, which is always fitted "
        "anew; leave it out",
    ),
    (
        "ckpt_path=nowhere.ckpt",
        "ckpt_path must be a run's folder or a checkpoint, got nowhere.ckpt, which is not there; name another",
    ),
    ("--model=logistic", "settings are written without dashes, got --model=logistic; type model=logistic"),
    ("--mutlirun", "there is no option --mutlirun; did you mean --multirun?"),
    ("--config-dir /no/where", "--config-dir must be an existing folder, got /no/where; make it or leave it out"),
    (
        "-m callbacks.early_stopping=null,5",
        "callbacks.early_stopping must be settings with a _target_, or null, got 5; change it",
    ),
    (
        "-m model=digits_mlp model.network={hidden:[4]},null",
        "model.network must be settings, got null; type model.network._target_=<class>, or leave it out",
    ),
    ("-m optimizer=glob(*) optimizer.lr=-1", "optimizer.lr must be above 0, got -1; set optimizer.lr"),
    (
        "-m data=table data.path=nowhere.csv,*.nothing data.target=y seed=1,2",
        "data.path must be a file or a pattern of files, got nowhere.csv, which is none; set data.path",
    ),
    ("-m seed=1,-2", "seed must be from 0 to 2**32 - 1, got -2; set seed"),
    # Hydra's own
    (
        "-m --cfg job",
        "a command line does one thing, got --cfg and --multirun; leave all but one of them out",
    ),
    (
        "--cfg job --resolve",
        "a configuration is resolved when it runs, which makes its folder, got --resolve; leave --resolve out",
    ),
    (
        "--experimental-rerun nowhere",
        "a run is repeated from its plain settings, got --experimental-rerun, which reads a pickle, and a pickle can "
        "run code; type perceptron resume run=<folder>, or the run's command again",
    ),
    (
        "hydra/sweeper=optuna hydra.sweeper.storage=postgresql://me:secret@host/db",
        "hydra.sweeper.storage must be a URL without a password, which would be written to every job's folder, or "
        "env:<name> for an environment variable that holds the URL, got postgresql://me:***@host/db; set "
        "hydra.sweeper.storage",
    ),
    ("--config-name tran", "there is no --config-name tran; did you mean train?"),
    (
        "hydra.searchpath=[file://nowhere]",
        "hydra.searchpath must list existing folders, got nowhere; make it or leave it out",
    ),
    (
        "hydra.searchpath=[foo://nowhere]",
        "Hydra must be able to compose the settings, got: ValueError: No config source registered for schema foo, "
        "supported types : [file, pkg, structured]; correct the configuration or hydra.searchpath=[foo://nowhere]",
    ),
    (
        "seed=${hydra:job.num}",
        "seed must be a value that can be resolved, got: While dereferencing interpolation '${hydra:job.num}': "
        "Incompatible value 'None' for field of type 'int'; type another",
    ),
    ("-m +hydra.sweeper.params={seed:'-1,2'}", "seed must be from 0 to 2**32 - 1, got -1; set seed"),
    ("-m +hydra.sweeper.params={sead:'1,2'}", "there is no setting sead; did you mean seed?"),
    (
        "-m hydra/launcher=population hydra.launcher.max_members=0",
        "hydra.launcher.max_members must be at least 1, got 0; set hydra.launcher.max_members",
    ),
    (
        "-m hydra/launcher=population hydra.launcher.max_members=many",
        "hydra.launcher.max_members must be a whole number, got 'many'; set hydra.launcher.max_members",
    ),
    (
        "-m hydra/launcher=population hydra.launcher.cluster=slurm",
        "hydra.launcher.cluster must be one of ray, auto, got slurm; set hydra.launcher.cluster",
    ),
    (
        "-m hydra.sweeper.max_batch_size=0",
        "hydra.sweeper.max_batch_size must be at least 1, got 0; set hydra.sweeper.max_batch_size",
    ),
    (
        "-m hydra/sweeper=optuna hydra.sweeper.n_trials=0",
        "hydra.sweeper.n_trials must be at least 1, got 0; set hydra.sweeper.n_trials",
    ),
    (
        "-m paths.output_dir=own seed=1,2",
        "a multirun's jobs must lie in its folder, got paths.output_dir=own; set hydra.sweep.dir and "
        "hydra.sweep.subdir instead",
    ),
    (
        "hydra.verbose=3",
        "Hydra must be able to compose the settings, got: AssertionError; correct the configuration or hydra.verbose=3",
    ),
    (
        "hydra.job.env_copy=[NO_SUCH]",
        "Hydra must be able to compose the settings, got: KeyError: 'NO_SUCH'; correct the configuration or "
        "hydra.job.env_copy=[NO_SUCH]",
    ),
    (
        "-m hydra.verbose=true,false",
        "Hydra's settings cannot be swept, got hydra.verbose=true,false; type one value",
    ),
    (
        "-m hydra/launcher=basic,joblib",
        "Hydra's settings cannot be swept, got hydra/launcher=basic,joblib; type one value",
    ),
    ("-m sweep.max_hours=1,2", "sweep.max_hours cannot be swept, got sweep.max_hours=1,2; type one value"),
    ("-m hydra.launcher=null", "hydra.launcher._target_ must be a plug-in of Hydra, got None; set hydra/launcher"),
    (
        "-m hydra.launcher._target_=nope.X",
        "hydra.launcher._target_ must be a plug-in of Hydra, got nope.X; set hydra/launcher",
    ),
    (
        "-m hydra.sweep.subdir=a seed=1,2",
        "each job of a multirun must have a folder of its own, got hydra.sweep.subdir=a; put a setting into it, such "
        "as ${seed}, or leave it out",
    ),
    (
        "-m hydra.sweep.subdir=../${seed} seed=1,2",
        "hydra.sweep.subdir must be in hydra.sweep.dir, got ../${seed}; set hydra.sweep.dir, too",
    ),
    (
        "-m hydra.output_subdir=null seed=1,2",
        "a multirun's jobs are found by their folder .hydra, got hydra.output_subdir=None; leave it out",
    ),
    ("hydra.mode=MULTIRUN seed=1,-2", "seed must be from 0 to 2**32 - 1, got -2; set seed"),
    (
        "paths.log_dir=/dev/null",
        "hydra.run.dir must be a value that can be resolved, got: NotADirectoryError raised while resolving "
        "interpolation: [Errno 20] Not a directory: '/dev/null/train/runs'; type another",
    ),
    (
        "-m optimizer=sgd,null model=logistic",
        "a group takes the name of an option, got optimizer=null; leave it out, or see --help",
    ),
    ("-m model=logistic,logistc", "there is no model=logistc; did you mean logistic?"),
    # What a sweep is asked before it starts
    ("-m seed=1,2 sweep.fliter=seed<2", "there is no setting sweep.fliter; did you mean sweep.filter?"),
    ("sweep.filter=seed<2", "sweep.filter needs a multirun, got a single run; type -m, or leave it out"),
    ("sweep.dry_run=true", "sweep.dry_run needs a multirun, got a single run; type -m, or leave it out"),
    ("-m seed=1,2 sweep.filter=sead<2", "sweep.filter names no setting sead; did you mean seed?"),
    (
        "-m seed=1,2 sweep.filter=optimizer.lrr<2",
        "sweep.filter names no setting optimizer.lrr; did you mean optimizer.lr?",
    ),
    (
        "-m seed=1,2 sweep.filter=model.network!=2",
        "sweep.filter must name single settings, got model.network, which has several; name model.network._target_",
    ),
    (
        "-m optimizer=sgd,adam sweep.filter=optimizer.momentum<2",
        "sweep.filter must name settings that decide for every combination, got optimizer.momentum, which one with "
        "optimizer=adam has not; exclude it before, such as optimizer != 'adam' and ...",
    ),
    (
        "-m seed=1,2 sweep.filter=seed<",
        'sweep.filter must be an expression, got seed<: invalid syntax; write one such as "optimizer.lr * '
        'data.batch_size < 10"',
    ),
    ("-m seed=1,2 sweep.filter=seed>2", "sweep.filter must leave a job, got seed>2, which leaves out all 2; widen it"),
    (
        "-m seed=1,2 sweep.filter=monitor<2",
        "sweep.filter must order two numbers or two texts, got 'val/loss' and 2 in monitor < 2; exclude the case "
        "before it, such as <setting> != null and ...",
    ),
    (
        "-m seed=range(9) optimizer.lr=0.1,0.2 sweep.max_jobs=10",
        "a sweep must have at most sweep.max_jobs=10 jobs, got 18; narrow a range, leave some out by sweep.filter, or "
        "set sweep.max_jobs=18",
    ),
    (
        "-m seed=range(9) optimizer.lr=0.1,0.2 sweep.max_jobs=10 sweep.filter=seed>2",
        "a sweep must have at most sweep.max_jobs=10 jobs, got 12; narrow a range, leave some out by sweep.filter, or "
        "set sweep.max_jobs=12",
    ),
    (
        "-m hparams_search=optuna sweep.max_jobs=10",
        "a sweep must have at most sweep.max_jobs=10 jobs, got 50; set hydra.sweeper.n_trials=10, or set "
        "sweep.max_jobs=50",
    ),
    (
        "-m seed=1,2 sweep.filter=${seed}<2",
        "sweep.filter names settings without ${}, got ${seed}<2; write seed < 2 for ${seed} < 2",
    ),
    (
        "-m seed=1,2 hydra.callbacks.sweep.filter=${seed}",
        "sweep.filter names settings without ${}, got an interpolation; write seed < 2 for ${seed} < 2",
    ),
    ("-m seed=1,2 sweep.max_jobs=0", "sweep.max_jobs must be a whole number of at least 1, got 0; set sweep.max_jobs"),
    (
        "-m seed=1,2 sweep.max_jobs=2.5",
        "sweep.max_jobs must be a whole number of at least 1, got 2.5; set sweep.max_jobs",
    ),
    ("-m seed=1,2 sweep.max_hours=0", "sweep.max_hours must be above 0, got 0; set sweep.max_hours"),
    ("-m seed=1,2 sweep.max_hours=night", "sweep.max_hours must be above 0, got night; set sweep.max_hours"),
    ("-m seed=1,2 sweep.dry_run=maybe", "sweep.dry_run must be true or false, got maybe; set sweep.dry_run"),
    ("-m optimizer.lr=0.1,0.01 seed=range(3) data=digit", "there is no data=digit; did you mean digits?"),
]


_IN_ONE_PROCESS = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from perceptron.composition.command_line import main
answers = []
for typed in json.loads(sys.stdin.read()):
    sys.argv = ["train.py", *typed.split()]
    out, err = io.StringIO(), io.StringIO()
    status = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            status = ended.code
    answers.append([status, out.getvalue(), err.getvalue()])
print(json.dumps([answers, sorted({"torch", "lightning", "sklearn", "numpy"} & set(sys.modules))]))
"""


Answer = tuple[int, str, str]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Answer], list[str], list[Path]]:
    """Status, stdout and stderr of each command line; what was imported by then; what was written."""
    folder = tmp_path_factory.mktemp("working_folder")
    done = subprocess.run(
        [sys.executable, "-c", _IN_ONE_PROCESS],
        input=json.dumps([typed for typed, _ in BAD]),
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    each, imported = json.loads(done.stdout)
    return {typed: tuple(answer) for (typed, _), answer in zip(BAD, each, strict=True)}, imported, [*folder.iterdir()]


# The first of them waits for all command lines.
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("typed", "line"), BAD, ids=[typed for typed, _ in BAD])
def test_one_line_names_rule_value_and_fix(
    typed: str, line: str, answers: tuple[dict[str, Answer], list[str], list[Path]]
) -> None:
    assert answers[0][typed] == (2, "", f"error: {line}\n")


@pytest.mark.timeout(1200)
def test_nothing_heavy_was_imported_and_nothing_written(
    answers: tuple[dict[str, Answer], list[str], list[Path]],
) -> None:
    assert len(answers[0]) >= 40
    assert answers[1:] == ([], [])


def test_the_program_itself_ends_with_status_2(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "train.py", "seed=-1"], cwd=root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: seed must be from 0 to 2**32 - 1, got -1; set seed\n"
