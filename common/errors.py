"""``InputError``, the exception for bad input, and one-line texts for the errors of libraries.

Commands print the message of an InputError as one line and exit with status 2.
"""

from __future__ import annotations

import os


class InputError(ValueError):
    """Bad input: the message states the rule, the value and the remedy, in one line."""


def first_line(error: BaseException) -> str:
    """The first 300 characters of an exception's first line; the name of its class if the message is empty."""
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return line if len(line) <= 300 else f"{line[:300]}…"


def why_not_loaded(error: BaseException, *sources: str | None) -> str:
    """Why a model or a dataset cannot be loaded, in one line.

    Args:
        error: the library's error.
        sources: folders or Hub ids. The first that is no folder is named, because its name may be a typing error.
    """
    missing = next((source for source in sources if source and not os.path.exists(source)), None)
    return (f"there is no folder {missing!r}, and the Hub says: " if missing else "") + first_line(error)
