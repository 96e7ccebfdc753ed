"""DataFrames, which need the extra ``table``."""

from importlib import import_module

from perceptron.errors import missing_extra


def need_pandas(feature: str) -> None:
    """Check that pandas can be imported.

    Args:
        feature: that needs it, for the message.

    Raises:
        UsageError: if it is not installed.
    """
    try:
        import_module("pandas")
    except ImportError as error:
        raise missing_extra(f"{feature} needs pandas", "table") from error
