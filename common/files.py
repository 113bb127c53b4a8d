"""Files: where the package's own lie, whole-or-nothing writes, and hashes."""

from __future__ import annotations

import hashlib
import json
import os
from importlib.resources import files
from pathlib import Path

PACKAGE = Path(str(files("arith_puzzle")))
"""The installed package. Recipes, bases, Spaces and results lie below it, in a checkout by symbolic links."""


def shipped(name: str | Path, folder: str = "") -> Path:
    """Where a path leads that may name a file of the package.

    Args:
        name: a path below the current directory, or one below the package such as ``training/recipes/tiny_cpu.yaml``.
        folder: of the package, such as ``training/recipes``; then ``tiny_cpu`` alone names that file too.

    Returns:
        The path itself if it is there, else the package's file if that is, else the path itself.
    """
    path = Path(name)
    if path.exists():
        return path
    candidates = [PACKAGE / path] + (
        [PACKAGE / folder / path.name, PACKAGE / folder / f"{path.name}.yaml"]
        if folder and path.name == str(name)
        else []
    )
    return next((place for place in candidates if place.exists()), path)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file whole or not at all: a temporary file beside it, then a rename. Raises OSError."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, content: dict) -> None:
    """Write JSON with sorted keys, whole or not at all. Raises OSError."""
    write_text(path, json.dumps(content, indent=1, sort_keys=True, default=str) + "\n")


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
