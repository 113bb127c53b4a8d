"""``InputError``, the exception for bad input, and one-line texts for the errors of libraries.

Commands print the message of an InputError as one line and exit with status 2.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

POINTER = b"version https://git-lfs.github.com/spec/"


class InputError(ValueError):
    """Bad input: the message states the rule, the value and the remedy, in one line."""


def first_line(error: BaseException) -> str:
    """The first 300 characters of an exception's first line; the name of its class if the message is empty.

    If that line ends with a colon, or a YAML error has no place in it, the lines below it follow.
    """
    text = str(error).strip()
    line = next(iter(text.splitlines()), type(error).__name__)
    if line.endswith(":") or hasattr(error, "problem_mark"):
        line = " ".join(text.split())
    return line if len(line) <= 300 else f"{line[:300]}…"


def why_not_loaded(error: BaseException, *sources: str | None) -> str:
    """Why a model or a dataset cannot be loaded, in one line.

    Args:
        error: the library's error.
        sources: folders or Hub ids. The first that is no folder is named, because its name may be a typing error. A
            file of a folder that git-lfs has not downloaded is named too.
    """
    given = [source for source in sources if source]
    for path in (path for source in given for path in sorted(Path(source).glob("*")) if path.is_file()):
        with path.open("rb") as file:
            if file.read(len(POINTER)) == POINTER:
                return f"{path} is a pointer of git-lfs, not the file itself; run in its folder: git lfs pull"
    if isinstance(error.__cause__ or error, StopIteration):
        return "a data file is empty"
    if isinstance(error, KeyError):
        return f"{error} is missing or unknown"
    if hasattr(error, "problem_mark"):
        return f"the front matter of its card (README.md) is not YAML: {first_line(error)}"
    missing = next((source for source in given if not os.path.exists(source)), None)
    return (f"there is no folder {missing!r}, and the Hub says: " if missing else "") + first_line(error)


@contextlib.contextmanager
def reported(what: str, *sources: str | None, remedy: str = "") -> Iterator[None]:
    """Turn any error of a library in the block into an InputError: ``what`` and ``why_not_loaded``.

    Libraries that read files of other people raise many types. An InputError, and a missing package, which the command
    line explains, pass through.

    Args:
        remedy: follows what libraries raise for something that is not there, OSError and ValueError.
    """
    try:
        yield
    except (InputError, ModuleNotFoundError):
        raise
    except Exception as error:
        remedy = remedy if isinstance(error, OSError | ValueError) else ""
        raise InputError(f"{what}: {why_not_loaded(error, *sources)}{remedy}") from error
