"""Run code as a new user of a Hub runs it: in an empty folder, with empty caches, and without our tokens and settings.

Bash snippets run in ordinary processes. Python code runs in children of one warm process
(``as_user/fork_server.py``), which saves the seconds that each would need to import torch and datasets. The children
share the imported libraries and the address of one cache folder, which is emptied after each of them. Where forking is
not safe (macOS, or a library that starts threads) Python code runs in ordinary processes too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from arith_puzzle.common.processes import end, start
from arith_puzzle.model_cards.snippets import Snippet

AS_USER = Path(__file__).parent / "as_user"
FORK_SERVER = AS_USER / "fork_server.py"
FORK = sys.platform == "linux"
"""Whether Python code may run in forked children. On macOS libraries may fail after a fork."""
SCRIPT_SECONDS = 1800
SNIPPET_SECONDS = 600
PERSONAL = ("HF_", "HUGGING", "TRACKIO", "PYTHONPATH")
"""Beginnings of the environment variables that a new user does not have. HUGGING_FACE_HUB_TOKEN is one of them."""


class CheckFailed(Exception):
    """What is published is not what was staged. The message says which part differs, and how."""


class User:
    """A user who knows the Hub's address, and has a token only if the release is private. A context manager.

    Args:
        endpoint: the Hub's address.
        token: for a private release. Processes get it by their environment only.
        warm: run Python code in children of a warm process, where that is safe.
    """

    def __init__(self, endpoint: str, token: str | None = None, *, warm: bool = True):
        self.endpoint, self.token, self.warm = endpoint, token, warm and FORK
        self._warm: WarmPython | None = None
        self._cold: list[subprocess.Popen] = []

    def __enter__(self) -> User:
        return self

    def __exit__(self, *_) -> None:
        """End what still runs, also for another thread."""
        if self._warm:
            self._warm.close()
        for process in self._cold:
            end(process)

    def environment(self, home: str) -> dict[str, str]:
        """The environment variables of a new user whose caches lie in ``home``."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(PERSONAL)}
        kept |= {name: os.environ[name] for name in ("HF_HUB_DISABLE_XET",) if name in os.environ}
        return kept | {
            "HF_ENDPOINT": self.endpoint,
            "HF_HOME": home,
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_MODULES_CACHE": str(Path(home) / "modules"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "TOKENIZERS_PARALLELISM": "false",
            **({"HF_TOKEN": self.token} if self.token else {}),
        }

    def run_script(self, script: str, *arguments: object) -> dict:
        """Run a script of ``as_user/``. Returns the JSON of its last line. Raises CheckFailed if it fails."""
        with tempfile.TemporaryDirectory(prefix="as-user-") as folder:
            command = [sys.executable, str(AS_USER / script), *map(str, arguments)]
            done = self._run(command, Path(folder), SCRIPT_SECONDS)
        if done.returncode:
            raise CheckFailed(f"{script.removesuffix('.py')} failed as a user would see it: {_last_line(done)}")
        return json.loads(done.stdout.splitlines()[-1])

    def run_snippet(self, card: str, snippet: Snippet) -> str:
        """Run a card's snippet exactly as it is printed. Returns what it prints. Raises CheckFailed if it fails."""
        with tempfile.TemporaryDirectory(prefix="as-user-") as folder:
            try:
                done = self._run(snippet.command(Path(folder)), Path(folder), SNIPPET_SECONDS)
            except subprocess.TimeoutExpired:
                raise CheckFailed(f"{card}, line {snippet.line}: the snippet ran for {SNIPPET_SECONDS} s") from None
        if done.returncode:
            raise CheckFailed(f"{card}, line {snippet.line}: the snippet does not run as printed: {_last_line(done)}")
        return done.stdout

    def _run(self, command: list[str], folder: Path, seconds: int) -> subprocess.CompletedProcess:
        if self.warm and command[0] == sys.executable:
            self._warm = self._warm or WarmPython(self)
            if self._warm.ready:
                return self._warm.run(command, folder, seconds)
        command = [sys.executable, "-m", "arith_puzzle.common.processes", *command]
        with tempfile.TemporaryDirectory(prefix="home-") as home:
            process = start(command, cwd=folder, env=self.environment(home), stdin=subprocess.DEVNULL, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
            self._cold.append(process)
            try:
                said = process.communicate(timeout=seconds)
            finally:
                end(process)
        return subprocess.CompletedProcess(command, process.returncode, *said)


class WarmPython:
    """A running ``as_user/fork_server.py`` with a cache folder of its own."""

    def __init__(self, user: User):
        self._root = Path(tempfile.mkdtemp(prefix="home-"))
        self._home = self._root / "home"
        self._home.mkdir()
        self._log = (self._root / "log").open("w")
        self._process = start(
            [sys.executable, str(FORK_SERVER)], cwd=self._home, env=user.environment(str(self._home)), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
        )  # fmt: skip
        try:
            self.ready: bool = self._answer()["ready"]
        except BaseException:
            self.close()
            raise
        self._empty_caches()

    def run(self, command: list[str], folder: Path, seconds: int) -> subprocess.CompletedProcess:
        """As ``subprocess.run`` with text output, for a command that starts with ``sys.executable``."""
        out, err = self._root / "stdout", self._root / "stderr"
        job = {"arguments": command[1:], "folder": str(folder), "stdout": str(out), "stderr": str(err)}
        job["seconds"] = seconds
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        status = self._answer()["status"]
        self._empty_caches()
        if status is None:
            raise subprocess.TimeoutExpired(command, seconds)
        said = [path.read_text(encoding="utf-8", errors="replace") for path in (out, err)]
        return subprocess.CompletedProcess(command, status, *said)

    def close(self) -> None:
        """End the process, and the child that it may run, and delete its caches."""
        end(self._process)
        self._process.stdin.close()
        self._process.stdout.close()
        self._log.close()
        shutil.rmtree(self._root)

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            log = (self._root / "log").read_text(encoding="utf-8", errors="replace")
            raise CheckFailed(f"the process that imports the libraries ended: {' '.join(log.split())[-300:]}")
        return json.loads(line)

    def _empty_caches(self) -> None:
        for path in self._home.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _last_line(done: subprocess.CompletedProcess) -> str:
    """The last line of standard error. A doctest says on standard output what it expected."""
    said = done.stderr if done.stderr.strip() else done.stdout
    return next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "no message")
