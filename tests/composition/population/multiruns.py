"""Multiruns as Hydra composes them, and the jobs that its sweeper makes of what was typed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hydra import initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig

from perceptron.composition.settings.conf_folder import CONF_DIR

# Settings as users type them, each a multirun.
TYPED = [
    ["seed=1,2", "optimizer.lr=0.1,1e-3", "data.split_seed=${seed}"],
    ["model=digits_mlp", "trainer.max_epochs=3", "seed=1,2", "tags=[a],[b,c]", "data.batch_size=8"],
    ["optimizer=sgd,adam", "optimizer.lr=0.1,0.2", "optimizer.weight_decay=${.lr}"],
    ["+callbacks.more._target_=x.Y", "+callbacks.more.size=1,2", "seed=3"],
    ["+callbacks.more={_target_:x.Y,size:3}", "callbacks.more.size=1,2", "++seed=1,2"],
    ["~callbacks.early_stopping", "~logger.tensorboard", "seed=1,2"],
    ["seed=1", "++seed=2,3", "optimizer.lr=0.1", "optimizer.lr=0.2,0.3"],
    ["optimizer.lr=0.1", "optimizer=adam", "optimizer.lr=0.2", "optimizer.betas=[0.9,0.99],[0.8,0.9]"],
    ["model=digits_mlp", "model.network.dropout=0.1,0.2", "model.network={hidden:[4],dropout:0.3}"],
    ["callbacks.early_stopping.patience=1,2", "callbacks.early_stopping=null"],
    ["callbacks.early_stopping=null", "++callbacks.early_stopping={_target_:x.Y}", "seed=1,2"],
    ["data.batch_size=null,8", "data.fold=null", "monitor=val/acc,val/loss"],
    ["tags=['${hydra:job.num}','s${seed}'],[b],['\\${x}']", "seed=1,2"],
    ["data.split_seed=${oc.select:seed}", "seed=1,2"],
    ["""tags=['1e-3','it\\'s'],['y'],["say \\"hi\\""],['a=b,c']""", "task_name=a,b"],
    ["hydra.sweep.subdir=${hydra:job.num}_${seed}", "seed=1,2,3"],
    ["hydra.sweep.dir=sweep_${seed}", "seed=1,2"],
    ["hydra.sweep.subdir=${hydra:job.override_dirname}", "hydra.job.config.override_dirname.kv_sep=-", "seed=1,2"],
]


@contextmanager
def multirun(typed: Sequence[str]) -> Iterator[tuple[ConfigLoader, DictConfig, list[list[str]]]]:
    """Hydra's loader, the configuration of a multirun, and the overrides of its jobs."""
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        hydras = GlobalHydra.instance().config_loader()
        master = hydras.load_configuration("train", list(typed), run_mode=RunMode.MULTIRUN)
        # As Hydra does first: all jobs lie in the folder that is made then.
        assert str(master.hydra.sweep.dir)
        parsed = OverridesParser.create(config_loader=hydras).parse_overrides(list(typed))
        (jobs,) = BasicSweeper.split_arguments([one for one in parsed if not one.is_hydra_override()], None)
        yield hydras, master, jobs
