"""What Optuna and SQLAlchemy say of a damaged database, in one line."""

from collections.abc import Iterator
from contextlib import contextmanager

from perceptron.errors import UsageError, reason
from perceptron.passwords import without_password


@contextmanager
def readable_study(storage: str) -> Iterator[None]:
    """Turn what goes wrong in a study's database inside into a message.

    Args:
        storage: its URL.

    Raises:
        UsageError: where a table or a value in it is not what Optuna has written.
    """
    from optuna.exceptions import OptunaError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    # Optuna converts what it finds in the tables without looking at it.
    except (OptunaError, SQLAlchemyError, LookupError, ValueError, TypeError, AttributeError, AssertionError) as error:
        raise UsageError(
            f"a search's database must be as the search has left it, got {type(error).__name__}: "
            f"{without_password(reason(error, lines=1))} in {without_password(storage)}; restore it, or search anew in "
            "another folder"
        ) from error
