"""Stage the loading script for ``datasets`` 3: one flat folder for the revision ``script`` of the dataset repo.

``datasets`` 3 downloads the modules that a script imports only if they are in the same folder. So staging copies the
modules beside the script and makes their imports relative; nothing else changes. Do not publish the script on ``main``:
``datasets`` 4 and later refuse a repo with a script of its name, even if it has Parquet files.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.configs.shipped import TEXTS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SCRIPT = "arith-puzzle.py"
REVISION = "script"
ELSEWHERE = {
    "verify": "metrics/arith_puzzle_verifier/verify.py",
    "errors": "common/errors.py",
    **{
        name: f"dataset_builder/solver/{name}.py"
        for name in ("analysis", "canonical", "cost_tables", "label_cache", "labels", "search", "solve")
    },
    "strict_yaml": "common/strict_yaml.py",
    "configs": "dataset_builder/configs/__init__.py",
    "file": "dataset_builder/configs/file.py",
    "spec": "dataset_builder/configs/spec.py",
}
"""Source files of the modules that are not directly in ``dataset_builder/``."""

_SIBLING = re.compile(r"^from \.(\w+) import ", re.MULTILINE)
_MODULE = re.compile(
    r"^( *)from arith_puzzle\."
    r"(?:dataset_builder(?:\.solver|\.configs)?|common|metrics\.arith_puzzle_verifier)\.(\w+) import ",
    re.MULTILINE,
)
_PACKAGE = re.compile(r"^( *)from arith_puzzle\.dataset_builder(?:\.solver)? import ", re.MULTILINE)


def stage_script(out: Path, repo_id: str = "arith-puzzle") -> Path:
    """Write the folder to upload to the revision ``script``, and return it. The bytes depend only on the checkout.

    Args:
        out: a new or empty folder. ``load_dataset`` can load it locally if its name is ``arith-puzzle``.
        repo_id: the dataset repo, for the README of the revision.

    Raises:
        InputError: ``out`` is not empty, or a module imports another one that the script does not import.
    """
    out = Path(out)
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out} is not empty; the loading script needs a new or empty folder")
    files = script_files(repo_id)
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_bytes(content)
    return out


def script_files(repo_id: str = "arith-puzzle") -> dict[str, bytes]:
    """The files that ``stage_script`` writes: name -> bytes. Raises InputError as there."""
    script = (HERE / SCRIPT).read_text(encoding="utf-8")
    page = (HERE / "README.md").read_text(encoding="utf-8").replace("<repo_id>", repo_id)
    shipped = f'"""The texts of the shipped configs."""\n\nTEXTS = {TEXTS!r}\n'
    texts = {"README.md": page, SCRIPT: script, "shipped.py": shipped}
    names = _SIBLING.findall(script)
    for name in [name for name in names if name != "shipped"]:
        source = ROOT / ELSEWHERE.get(name, f"dataset_builder/{name}.py")
        texts[f"{name}.py"] = relative(source.read_text(encoding="utf-8"))
        missing = imported(texts[f"{name}.py"]) - set(names)
        if missing:
            raise InputError(f"{source} imports {', '.join(sorted(missing))}; import it in loading_script/{SCRIPT} too")
    return {name: text.encode() for name, text in texts.items()}


def relative(source: str) -> str:
    """The source of a module with its imports from ``arith_puzzle`` made relative, for a flat folder."""
    return _PACKAGE.sub(r"\1from . import ", _MODULE.sub(r"\1from .\2 import ", source))


@cache
def imported(source: str) -> frozenset[str]:
    """The names of the project's modules that a source imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level > 0 or module.split(".")[0] == "arith_puzzle":
                names |= {module} if module else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {a.name for a in node.names if a.name.split(".")[0] == "arith_puzzle"}
    return frozenset(names)
