"""Files: paths inside the package, atomic writes, locks and hashes."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TextIO

from arith_puzzle.common.errors import InputError

PACKAGE = Path(str(files("arith_puzzle")))
"""Folder of the installed package. It contains recipes, bases, Spaces and results; in a checkout by symbolic links."""


def shipped(name: str | Path, folder: str = "") -> Path:
    """Resolve a path that may name a file of the package.

    Args:
        name: a path below the current directory, or below the package, such as ``training/recipes/tiny_cpu.yaml``.
        folder: folder of the package, such as ``training/recipes``. Then ``tiny_cpu`` alone names the same file.

    Returns:
        ``name`` if it exists; else the package's file if that exists; else ``name``.
    """
    path = Path(name)
    if path.exists():
        return path
    candidates = [PACKAGE / path]
    if folder and path.name == str(name):
        candidates += [PACKAGE / folder / path.name, PACKAGE / folder / f"{path.name}.yaml"]
    return next((place for place in candidates if place.exists()), path)


def shipped_model(name: str | None) -> str | None:
    """The folder of a base in the package, such as ``training/bases/arith-tiny``; ``name`` if there is none."""
    own = PACKAGE / (name or "")
    return str(own) if name and (own / "config.json").is_file() else name


def output_file(path: Path) -> Path:
    """The file to write where a user names ``path``: links are followed, so that a link stays one.

    Raises:
        InputError: ``path`` is a folder, a pipe or a device, or its folder does not exist or is not writable.
    """
    real = Path(os.path.realpath(path))
    try:
        good = real.parent.is_dir() and not real.is_symlink() and (real.is_file() or not real.exists())
        good = good and os.access(real.parent, os.W_OK)  # files are written beside, and renamed
    except OSError:
        good = False
    if not good:
        raise InputError(f"cannot write {str(path)!r}; name a file in a folder that exists and that you may "
                         "write to, not a pipe or a device")  # fmt: skip
    return real


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file atomically: to a temporary file beside it, which is then renamed. Raises OSError.

    A symbolic link stays one: the file that it names is written.
    """
    path = Path(os.path.realpath(path))
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, content: dict) -> None:
    """Write JSON with sorted keys, atomically. Raises OSError."""
    write_text(path, json.dumps(content, indent=1, sort_keys=True, default=str) + "\n")


def _lock(path: Path, doing: str, *, wait: bool = False) -> TextIO:
    """Create a file and its folder if needed, and lock the file until it is closed, or until this process has ended.

    Args:
        doing: for messages, such as ``training in``.
        wait: wait for a process that has the lock, and say so on standard error.

    Raises:
        InputError: another process has the lock, or the folder cannot be written to.
    """
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}; choose another folder") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if not wait:
            file.close()
            raise InputError(f"another process is {doing} {folder}; wait for it, or choose another folder") from None
        print(f"another process is {doing} {folder}; waiting for it", file=sys.stderr, flush=True)
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        file.close()
        raise InputError(f"cannot lock {path}: {error.strerror}; choose another folder") from None
    return file


@contextlib.contextmanager
def locked(folder: Path, doing: str, *, wait: bool = False) -> Iterator[None]:
    """Let one process at a time work in a folder, which is created if needed, until the block or the process ends.

    Args:
        doing: for messages, such as ``building into``.
        wait: wait for the other process, and say so on standard error.

    Raises:
        InputError: another process works in the folder, or it cannot be written to.
    """
    path = folder / ".lock"
    file = _lock(path, doing, wait=wait)
    while not path.exists() or path.stat().st_ino != os.fstat(file.fileno()).st_ino:  # its last holder removed it
        file.close()
        file = _lock(path, doing, wait=wait)
    with file:
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


class LockedJson:
    """A JSON file in a folder of results, locked while a process works in that folder. It says whose folder it is.

    Attributes:
        content: what the file says; None if the file is new, or if a process was killed while it wrote the file.
    """

    def __init__(self, path: Path, doing: str):
        """Create the folder and the file if needed, and lock the file until ``close``.

        Args:
            doing: for the error message, such as ``training in``.

        Raises:
            InputError: another process has the lock, or the folder cannot be written to.
        """
        self._file = _lock(path, doing)
        self._file.seek(0)
        try:
            content = json.loads(self._file.read())
        except ValueError:
            content = None
        self.content: dict | None = content if isinstance(content, dict) else None

    def write(self, content: dict) -> None:
        """Replace the content. Raises InputError where it cannot be written."""
        try:
            self._file.truncate(0)
            self._file.write(json.dumps(content, indent=1, sort_keys=True) + "\n")
            self._file.flush()
        except OSError as error:
            raise InputError(f"cannot write {self._file.name}: {error.strerror}; choose another folder") from None
        self.content = content

    def close(self) -> None:
        """Release the lock."""
        self._file.close()

    def __enter__(self) -> LockedJson:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_json(path: Path) -> dict:
    """Read a file of an earlier step. Raises InputError if it is missing or not JSON."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError
        return content
    except FileNotFoundError:
        raise InputError(f"{path} is missing; run the step that writes it first (arith-puzzle --help)") from None
    except ValueError:
        raise InputError(f"{path} is not a JSON object; delete it and run the step that writes it") from None


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
