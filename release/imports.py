"""Find the modules of ``arith_puzzle`` that a pushed folder imports, directly or indirectly, and copy them into it."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from arith_puzzle.common.files import PACKAGE

ABOVE = PACKAGE.parent


def imported_files(folder: Path) -> list[str]:
    """Paths of all files of ours that the ``*.py`` below ``folder`` need, such as ``arith_puzzle/common/errors.py``.

    Imports inside functions count. So do the YAML files beside a module, its data. Other imports are files of the
    folder itself, or libraries of its requirements.
    """
    found: set[str] = set()
    waiting = [name for path in sorted(folder.rglob("*.py")) for name in _imports(path.read_bytes(), "")]
    while waiting:
        parts = waiting.pop().split(".")
        for depth in range(1, len(parts) + 1):
            stem = "/".join(parts[:depth])
            for file in (f"{stem}.py", f"{stem}/__init__.py"):
                if parts[0] != PACKAGE.name or file in found or not (ABOVE / file).is_file():
                    continue
                found.add(file)
                package = stem if file.endswith("__init__.py") else "/".join(parts[: depth - 1])
                waiting += _imports((ABOVE / file).read_bytes(), package.replace("/", "."))
    data = [path for folder in {(ABOVE / file).parent for file in found} for path in folder.glob("*.yaml")]
    return sorted([*found, *(path.relative_to(ABOVE).as_posix() for path in data)])


def copy_imported(source: Path, target: Path) -> None:
    """Copy the files that ``source`` imports into ``target``, byte for byte, under the same paths."""
    for file in imported_files(source):
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ABOVE / file, target / file)


@cache
def _imports(source: bytes, package: str) -> tuple[str, ...]:
    """Absolute dotted names. ``from a import b`` gives ``a.b``, which may be a module or a name in a module."""
    return tuple(_names(ast.parse(source), package))


def _names(tree: ast.Module, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*parents, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)
