"""The exception for bad input. Commands print its message as one line and exit with status 2."""


class InputError(ValueError):
    """Bad input: the message states the rule, the value and the remedy, in one line."""


def first_line(error: BaseException) -> str:
    """The first line of an exception's message; the name of its class if the message is empty."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
