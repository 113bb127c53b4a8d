"""A publish writes the token nowhere, even if it fails. The token is only in a header of the requests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from arith_puzzle.local_hub import Fault, running
from tests.release.staging import RECIPE, write_stage

# The command with the logs of all libraries at their lowest level.
TALKATIVE = (
    "import logging, sys; logging.basicConfig(level=1); from arith_puzzle.cli import main; sys.exit(main(sys.argv[1:]))"
)


@pytest.fixture
def publisher(tmp_path):
    """(function that publishes a small stage by the command line, the folders that it may write to)"""
    work, home = tmp_path / "work", tmp_path / "home"
    write_stage(work / "stage")
    home.mkdir()

    def call(endpoint: str, token: str, *extra: str) -> subprocess.CompletedProcess:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        environment = kept | {
            "HF_ENDPOINT": endpoint, "HF_TOKEN": token, "HF_HUB_DISABLE_XET": "1", "HF_DEBUG": "1",
            "HF_HUB_VERBOSITY": "debug", "HF_HOME": str(home), "HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1",
        }  # fmt: skip
        command = [sys.executable, "-c", TALKATIVE, "publish", RECIPE, "--to", "hub", "--work", str(work), *extra]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)

    return call, [work, home]


def assert_nowhere(token: str, done: subprocess.CompletedProcess, folders: list[Path], besides: set[str] = frozenset()):
    assert token not in done.stdout + done.stderr
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.name not in besides]
    assert files
    for path in files:
        assert token.encode() not in path.read_bytes() and token not in str(path), path


def last_word(done: subprocess.CompletedProcess) -> str:
    """The command's error line. A progress bar may end after it."""
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("arith-puzzle publish: ")]
    return line


def test_of_a_publish_and_a_yank_that_succeed(publisher, tmp_path):
    call, folders = publisher
    with running(tmp_path / "hub") as hub:
        for extra in ((), ("--dry-run",), ("--yank", "0.1.0")):
            done = call(hub.endpoint, hub.token, *extra)
            assert done.returncode == 0, done.stderr[-2000:]
            assert extra or "/lfs-upload/" in done.stderr  # the log is detailed: it has an upload's address
            assert_nowhere(hub.token, done, [*folders, tmp_path / "hub"], besides={"token"})


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        pytest.param(
            Fault(status=403, path="/api/repos/create", times=None), "may not write there", marks=pytest.mark.slow
        ),
        pytest.param(
            Fault(status=500, path="/commit/", times=None, retry_after=5000),
            "asks to wait 5,000 s",
            marks=pytest.mark.slow,
        ),
        (Fault(status=401, path="/lfs-upload/", times=None), "hf auth login"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_of_a_publish_that_the_hub_refuses(publisher, tmp_path, fault, said):
    call, folders = publisher
    with running(tmp_path / "hub", faults=[fault]) as hub:
        done = call(hub.endpoint, hub.token)
        assert done.returncode == 2 and said in last_word(done), done.stderr[-2000:]
        assert_nowhere(hub.token, done, [*folders, tmp_path / "hub"], besides={"token"})


@pytest.mark.parametrize(
    ("token", "said"),
    [pytest.param("hf_wrong\twrong\x7f", "status 400", marks=pytest.mark.slow), ("hf_wröng", "hf auth login")],
    ids=["unprintable", "not ASCII"],
)
def test_of_a_token_that_is_wrong(publisher, tmp_path, token, said):
    call, folders = publisher
    with running(tmp_path / "hub") as hub:
        done = call(hub.endpoint, token)
        assert done.returncode == 2 and said in last_word(done), done.stderr[-2000:]
        assert_nowhere(token, done, [*folders, tmp_path / "hub"])


def test_of_a_publish_that_ends_in_a_traceback(publisher, tmp_path):
    """A bug of ours gives a traceback, without the token in it."""
    call, folders = publisher
    (folders[0] / "stage" / "release.json").write_text(json.dumps({"tag": "v0.1.0"}))
    with running(tmp_path / "hub") as hub:
        done = call(hub.endpoint, hub.token)
        assert done.returncode == 1 and "Traceback" in done.stderr
        assert_nowhere(hub.token, done, folders)


def test_the_command_takes_no_token():
    done = subprocess.run(
        [sys.executable, "-m", "arith_puzzle.cli", "publish", "--help"], capture_output=True, text=True
    )
    options = [word for word in done.stdout.split() if word.startswith("--")]
    assert "--dry-run" in options and not [option for option in options if "token" in option]
