"""Serve a local model with ``transformers serve``, an OpenAI-compatible server, as a child process.

``transformers serve`` reads ``do_sample`` from the model's ``generation_config.json``. If it is not set there, the
server ignores the temperature of a request without an error. So this module serves a temporary folder that links to the
model's files and sets ``do_sample``.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import httpx2

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import file_sha256
from arith_puzzle.common.processes import child

START_SECONDS = 600
"""Maximum time for the server's start."""
BLOCK_TOKENS = 32
"""Tokens per block of the server's cache."""
PROMPT_TOKENS = 1024
"""Cache space for each prompt, in tokens. The longest prompts of this project have about 900."""


def model_name(folder: Path) -> str:
    """The name of a local model in the dataset: its folder's name and the start of its weights' SHA-256.

    Raises:
        InputError: the folder has no model.
    """
    weights = sorted(folder.glob("*.safetensors"))
    if not weights or not (folder / "config.json").is_file():
        raise InputError(f"{folder} has no model (config.json and *.safetensors); give a folder in that format")
    return f"{folder.resolve().name}-{file_sha256(weights[0])[:12]}"


@contextlib.contextmanager
def serve(folder: Path, log: Path, *, concurrency: int, reply_tokens: int) -> Iterator[str]:
    """Serve the model under the name ``model_name(folder)`` while the block runs. Yields the base URL.

    The arguments ``concurrency`` and ``reply_tokens`` set the size of the server's cache. With its default, the server
    takes most of the memory, and on a CPU it attends to the whole cache in each step.

    Args:
        folder: the model, with ``config.json`` and ``*.safetensors``.
        log: file for the server's output.
        concurrency: maximum number of calls at a time.
        reply_tokens: maximum length of a reply, in tokens.

    Raises:
        InputError: packages for the server are missing, or it does not start.
    """
    if not all(find_spec(name) for name in ("fastapi", "uvicorn", "openai")):
        raise InputError("serving a local model needs more packages; run: pip install 'transformers[serving]'")
    name = model_name(folder)
    with tempfile.TemporaryDirectory() as place, log.open("wb") as output:
        _link(folder.resolve(), Path(place) / name)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "arith_puzzle.common.processes"]
        command += [str(Path(sys.executable).with_name("transformers")), "serve", name]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        command += ["--continuous-batching", "--attn-implementation", "sdpa"]
        blocks = concurrency * -(-(PROMPT_TOKENS + reply_tokens) // BLOCK_TOKENS)
        command += ["--cb-block-size", str(BLOCK_TOKENS), "--cb-num-blocks", str(blocks)]
        environment = os.environ | {"HF_HUB_OFFLINE": "1"}
        with child(command, cwd=place, stdout=output, stderr=output, env=environment) as server:
            _wait(server, f"http://127.0.0.1:{port}/health", log)
            yield f"http://127.0.0.1:{port}/v1"


def _link(folder: Path, place: Path) -> None:
    """Make ``place`` a folder of links to the model's files, with ``do_sample`` set."""
    place.mkdir()
    for path in folder.iterdir():
        if path.is_file() and path.name != "generation_config.json":
            (place / path.name).symlink_to(path)
    source = folder / "generation_config.json"
    settings = json.loads(source.read_text(encoding="utf-8")) if source.is_file() else {}
    (place / source.name).write_text(json.dumps(settings | {"do_sample": True}), encoding="utf-8")


def _wait(server: subprocess.Popen, health: str, log: Path) -> None:
    """Wait until the server answers. Raises InputError if it ends or START_SECONDS pass."""
    for _ in range(START_SECONDS * 2):
        if server.poll() is not None:
            break
        with contextlib.suppress(httpx2.HTTPError):
            if httpx2.get(health, timeout=2).status_code == 200:
                return
        time.sleep(0.5)
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] or ["it printed nothing"]
    raise InputError(f"transformers serve did not start: {lines[-1][:200]}; read the log {log}")
