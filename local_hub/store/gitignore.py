"""Which files of an upload a .gitignore leaves out, decided by git itself."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from arith_puzzle.local_hub.errors import HubError

MAX_BYTES = 100_000  # a longer one is no list of patterns
# git as a pure function of its input: no configuration of the machine or the user, no questions.
GIT_ENV = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def find_git() -> str:
    """git's path; 501 where it is not installed."""
    if git := shutil.which("git"):
        return git
    raise HubError(501, "The local Hub needs git for this, and there is none on this machine")


def ignored_by(patterns: object, paths: list[str]) -> set[str]:
    """Those of the (checked) paths that a .gitignore with these lines covers; none without one."""
    if not isinstance(patterns, str) or not patterns.strip() or len(patterns) > MAX_BYTES or not paths:
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
