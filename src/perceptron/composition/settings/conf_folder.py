"""The folder ``conf``; importing this makes the schemas and the resolvers that its files name known to Hydra."""

from dataclasses import fields
from pathlib import Path

from perceptron.composition.settings.resolvers import register_resolvers
from perceptron.composition.settings.schema import TrainConf, register_schemas

_PACKAGE = Path(__file__).parents[2]
_INSTALLED = _PACKAGE / "conf"
CONF_DIR = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent.parent / "conf"

register_schemas()
register_resolvers()


def setting_names() -> set[str]:
    """First parts of all keys that can be set: settings of the root, and groups."""
    return {field.name for field in fields(TrainConf)} | {path.name for path in CONF_DIR.iterdir() if path.is_dir()}
