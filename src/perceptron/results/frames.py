"""DataFrames, which need the extra ``table``."""

from types import ModuleType

from perceptron.errors import missing_extra


def needed_pandas(feature: str) -> ModuleType:
    """The module pandas.

    Args:
        feature: that needs it, for the message.

    Raises:
        UsageError: if it is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise missing_extra(f"{feature} needs pandas", "table") from error
    return pd
