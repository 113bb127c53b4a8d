"""Stage the loading script: one flat folder for the dataset repo's revision ``script``.

``datasets`` 3 copies a script's siblings by name, and nothing from folders below; so the modules lie beside the
script, changed in nothing but that imports from this checkout become relative. Never stage it onto ``main``: there a
script named like the repo makes ``load_dataset`` of ``datasets`` 4 and later fail, even beside Parquet.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from arith_puzzle.common.errors import InputError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SCRIPT = "arith-puzzle.py"
REVISION = "script"
ELSEWHERE = {
    "verify": "metrics/arith_puzzle_verifier/verify.py",
    "errors": "common/errors.py",
    **{name: f"dataset_builder/solver/{name}.py" for name in ("canonical", "label_cache", "labels", "solve")},
}
"""Siblings that do not come from ``dataset_builder/``."""

_SIBLING = re.compile(r"^from \.(\w+) import ", re.MULTILINE)
_MODULE = re.compile(
    r"^( *)from arith_puzzle\.(?:dataset_builder(?:\.solver)?|common|metrics\.arith_puzzle_verifier)\.(\w+) import ",
    re.MULTILINE,
)
_PACKAGE = re.compile(r"^( *)from arith_puzzle\.dataset_builder(?:\.solver)? import ", re.MULTILINE)


def stage_script(out: Path, repo_id: str = "arith-puzzle") -> Path:
    """Write the folder that is uploaded to revision ``script`` and return it. The same checkout, the same bytes.

    Args:
        out: new or empty. To be loaded as a local folder it must be called ``arith-puzzle``.
        repo_id: the dataset repo, for the page of that revision.

    Raises:
        InputError: ``out`` holds something, or a module imports what the script does not name.
    """
    out = Path(out)
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out} is not empty; the script's folder holds nothing else")
    files = script_files(repo_id)
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_bytes(content)
    return out


def script_files(repo_id: str = "arith-puzzle") -> dict[str, bytes]:
    """Name -> bytes of what ``stage_script`` writes."""
    script = (HERE / SCRIPT).read_text(encoding="utf-8")
    page = (HERE / "README.md").read_text(encoding="utf-8").replace("<repo_id>", repo_id)
    texts = {"README.md": page, SCRIPT: script}
    names = _SIBLING.findall(script)
    for name in names:
        source = ROOT / ELSEWHERE.get(name, f"dataset_builder/{name}.py")
        texts[f"{name}.py"] = relative(source.read_text(encoding="utf-8"))
        missing = imported(texts[f"{name}.py"]) - set(names)
        if missing:
            raise InputError(f"{source} imports {', '.join(sorted(missing))}; name it in loading_script/{SCRIPT} too")
    return {name: text.encode() for name, text in texts.items()}


def relative(source: str) -> str:
    """A module's text with its imports from this checkout made relative to a flat folder."""
    return _PACKAGE.sub(r"\1from . import ", _MODULE.sub(r"\1from .\2 import ", source))


def imported(source: str) -> set[str]:
    """What a module imports from this checkout, by the names of the siblings; at any depth, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            own = node.level > 0 or node.module.split(".")[0] == "arith_puzzle"
            if own:
                names |= {node.module} if node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {a.name for a in node.names if a.name.split(".")[0] == "arith_puzzle"}
    return names
