"""The one exception that a user's mistake raises."""


class UsageError(Exception):
    """Something that the user can mend: one line that says the rule, the value and the fix.

    The command line prints it on stderr without a traceback and ends with status 2.
    """


class PrunedError(Exception):
    """A run that was ended early because it would not be the best; its text says why."""
