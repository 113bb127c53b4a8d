"""git as a program: which files of an upload its .gitignore excludes, and the environment to run git in."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from arith_puzzle.local_hub.errors import HubError

MAX_CHARS = 100_000  # a longer .gitignore is ignored
# Makes git depend on its input alone: no configuration of the machine or the user, and no prompts.
GIT_ENV = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def find_git() -> str:
    """The path of git. Raises `HubError` 501 if it is not installed."""
    if git := shutil.which("git"):
        return git
    raise HubError(501, "The local Hub needs git for this request, and git is not installed")


def ignored_by(patterns: object, paths: list[str]) -> set[str]:
    """The paths that a .gitignore with this content excludes. Content that is not text excludes none."""
    if not isinstance(patterns, str) or not patterns.strip() or len(patterns) > MAX_CHARS or not paths:
        return set()
    git = find_git()
    with tempfile.TemporaryDirectory(prefix="local-ignore-") as folder:
        (Path(folder) / "patterns").write_text(patterns, encoding="utf-8", errors="replace")
        work = Path(folder) / "work"
        subprocess.run([git, "init", "--quiet", work], check=True, env=GIT_ENV)
        found = subprocess.run(
            [git, "-c", f"core.excludesFile={folder}/patterns", "check-ignore", "--no-index", "--stdin", "-z"],
            input="\0".join(paths).encode(), cwd=work, env=GIT_ENV, capture_output=True,
        )  # fmt: skip
    return set(found.stdout.decode("utf-8", "replace").split("\0")) - {""}
