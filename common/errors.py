"""The one exception that a user's mistake raises; commands print it as one line and exit with status 2."""


class InputError(ValueError):
    """Bad input: the message states the rule, the value and the remedy, in one line."""


def first_line(error: BaseException) -> str:
    """The first line of what a library's exception says, else its class."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
