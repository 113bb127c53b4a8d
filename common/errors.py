"""The exception for bad input. Commands print its message as one line and exit with status 2."""

from __future__ import annotations

import os


class InputError(ValueError):
    """Bad input: the message states the rule, the value and the remedy, in one line."""


def first_line(error: BaseException) -> str:
    """The first 300 characters of an exception's first line; the name of its class if the message is empty."""
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return line if len(line) <= 300 else f"{line[:300]}…"


def why_not_loaded(source: str | os.PathLike, error: BaseException) -> str:
    """Why a folder or a Hub repo cannot be loaded, in one line. It says first if there is no such folder."""
    if os.path.exists(source):
        return first_line(error)
    return f"there is no folder {os.fspath(source)!r}, and the Hub says: {first_line(error)}"
