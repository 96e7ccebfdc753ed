"""Settings of the user's own: the node ``extras``, which a run stores and shows. Imports nothing heavy."""

from dataclasses import fields
from difflib import get_close_matches

from omegaconf import DictConfig, OmegaConf, open_dict

from perceptron.composition.settings.schema import TrainConf
from perceptron.composition.settings.template_names import name_here
from perceptron.errors import UsageError

_NODE = "extras"
# The likeness of a misspelt name: sed and seed have 0.86, my_path and paths 0.67.
_NEAR = 0.8


def gather_own_settings(cfg: DictConfig) -> None:
    """Move what was added to the root with ``+`` into ``extras``, in place.

    Args:
        cfg: composed by Hydra.

    Raises:
        UsageError: for a name that is near that of a setting, and for one of the Lightning-Hydra template's.
    """
    known = {field.name for field in fields(TrainConf)}
    for name in [str(key) for key in cfg if key not in known and key != "hydra"]:
        if fix := name_here(name):
            raise UsageError(f"there is no setting {name}; {fix}")
        if near := get_close_matches(name, known, n=1, cutoff=_NEAR):
            raise UsageError(
                f"there is no setting {name}; did you mean {near[0]}? A setting of your own is {_NODE}.{name}=<value>"
            )
        # Unresolved, for the value may hold interpolations.
        value = OmegaConf.to_container(OmegaConf.masked_copy(cfg, [name]), resolve=False)[name]  # type: ignore[call-overload, index]
        with open_dict(cfg):
            del cfg[name]
        OmegaConf.update(cfg, f"{_NODE}.{name}", value, force_add=True)
