"""Throw-away environments with OpenEnv and with verifiers, and the served Space. Slow tests use them."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
from pathlib import Path

import pytest

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import PACKAGE
from arith_puzzle.common.processes import end, start
from arith_puzzle.environments.game import Puzzle
from arith_puzzle.metrics.arith_puzzle_verifier.verify import rules_of, verify
from arith_puzzle.release.imports import copy_imported
from tests.packaging import test_install

wheel = test_install.wheel
SPACE = PACKAGE / "environments" / "openenv"
CACHES = shutil.ignore_patterns("__pycache__")


def write_rows(path: Path, rows: list[dict]) -> None:
    """Write rows as JSONL."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def verdicts(rows: list[dict]) -> list[float]:
    """The verdicts of ``verify``."""
    return [float(verify(row["numbers"], row["target"], row["response"], **rules_of(row)).correct) for row in rows]


def playable(rows: list[dict]) -> list[dict]:
    """The rows whose puzzle the server accepts: 2 to 15 numbers that are not too large."""
    kept = []
    for row in rows:
        with contextlib.suppress(InputError):
            Puzzle.of(row["numbers"], row["target"], rules_of(row))
            kept.append(row)
    return kept


def _fresh(folder: Path, *requirements: object) -> None:
    """A fresh environment with the requirements. What it lacks, such as TRL, it finds in this one."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", *requirements]
    done = subprocess.run(list(map(str, install)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")


@pytest.fixture(scope="session")
def openenv(once, wheel) -> Path:
    """The python of an environment with the wheel and openenv, which is not among this project's libraries."""
    pin = (SPACE / "requirements.txt").read_text().split("openenv==")[1].split()[0]
    folder = once("openenv", lambda at: _fresh(at / "venv", f"{wheel}[openenv]", f"openenv=={pin}"))
    return folder / "venv" / "bin" / "python"


@pytest.fixture(scope="session")
def verifiers(once, wheel) -> Path:
    """The python of an environment with the wheel, the taskset and verifiers, and with uv, which starts harnesses."""

    def make(folder: Path) -> None:
        taskset = shutil.copytree(PACKAGE / "environments" / "verifiers", folder / "taskset", ignore=CACHES)
        _fresh(folder / "venv", f"{wheel}[verifiers]", taskset, "uv")

    return once("verifiers", make) / "venv" / "bin" / "python"


@pytest.fixture(scope="session")
def space(tmp_path_factory) -> Path:
    """The Space's folder as staged, but for the card's placeholders."""
    folder = tmp_path_factory.mktemp("space") / "arith_puzzle_env"
    shutil.copytree(SPACE, folder, ignore=CACHES)
    copy_imported(SPACE, folder)
    return folder


def wait_until_healthy(url: str, seconds: float = 180) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(f"{url}/health", timeout=5)
            return
        except OSError:
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.3)


class Served:
    """The Space's server on loopback; it can be stopped and started again on the same port."""

    def __init__(self, python: Path, folder: Path):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.python, self.folder = python, folder
        self.start()

    def start(self):
        command = [self.python, "-m", "uvicorn", "server.app:app", "--port", self.port, "--log-level", "warning"]
        environment = {**os.environ, "ENABLE_WEB_INTERFACE": "true", "GRADIO_ANALYTICS_ENABLED": "False"}
        self.process = start(list(map(str, command)), cwd=self.folder, env=environment)
        wait_until_healthy(self.url)

    def stop(self):
        end(self.process)


@pytest.fixture(scope="session")
def served(openenv, space):
    """The served Space."""
    server = Served(openenv, space)
    yield server
    server.stop()
