"""Overrides as people type them, rewritten into the forms that Hydra takes. Imports nothing heavy."""

from perceptron.composition.settings.conf_folder import CONF_DIR, setting_names
from perceptron.composition.settings.sweep_options import is_option, option_in_hydras_form


def in_hydras_form(typed: str) -> str:
    """An override in the form that Hydra takes.

    A ``+`` may stand before any setting, where Hydra wants it before those alone that are not there yet; ``null`` means
    the option ``none`` of a group, such as ``logger=null``; a group inside another is named with a dot, too, as in
    ``callbacks.progress=rich``; and the options of sweeps have short names, such as ``sweep.max_jobs=100``.

    Raises:
        UsageError: if there is no such option of sweeps.
    """
    if is_option(typed):
        return option_in_hydras_form(typed)
    key, equals, value = typed.partition("=")
    name = key.lstrip("+")
    if not equals or key.startswith("~"):
        return typed
    if _is_group(name):
        return f"{name}={'none' if value == 'null' and (CONF_DIR / name / 'none.yaml').is_file() else value}"
    group = name.replace(".", "/")
    if _is_group(group) and value != "null" and not value.startswith("{"):
        return f"{group}={value}"
    if name == key:
        return typed
    # Any other name may be that of a group in a folder of the user's own, which Hydra adds by a single plus.
    if name in setting_names():
        return f"{name}={value}"
    return f"++{name}={value}" if "." in name else typed


def _is_group(name: str) -> bool:
    return name != "" and (CONF_DIR / name).is_dir()
