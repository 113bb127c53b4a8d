"""`git clone` and `git fetch`, by git's own CGI program `http-backend`. Reading only.

This module does not implement git's protocol. It passes the request's body to the program and the program's output to
the client.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Mapping
from functools import cache

from starlette.responses import Response, StreamingResponse

from arith_puzzle.local_hub.errors import HubError, forbidden
from arith_puzzle.local_hub.store.gitignore import GIT_ENV, find_git
from arith_puzzle.local_hub.store.repo import Repo

SERVICE = "git-upload-pack"
_CHUNK = 64 * 1024


@cache
def _backend() -> str:
    """Path of git's `http-backend`."""
    found = subprocess.run([find_git(), "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{found}/git-http-backend"


def check_service(action: str, query: Mapping[str, str]) -> None:
    """Raise `HubError` 403 for a push, and 404 for git's old protocol, which requests single files."""
    service = query.get("service") if action == "info/refs" else action
    if service == "git-receive-pack":
        raise forbidden("The local Hub accepts no git push: upload with huggingface_hub or its command `hf upload`")
    if service != SERVICE:
        raise HubError(404, "The local Hub serves git's smart HTTP protocol only")


async def serve(repo: Repo, action: str, method: str, query: str, headers: Mapping[str, str], body: bytes) -> Response:
    """Run `http-backend` for `<repo>/info/refs` (GET) or `<repo>/git-upload-pack` (POST) and stream its output."""
    env = GIT_ENV | {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "GIT_PROJECT_ROOT": str(repo.folder),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{action}",
        "REQUEST_METHOD": method,
        "QUERY_STRING": query,
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
        "GIT_PROTOCOL": headers.get("git-protocol", ""),
    }
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = await asyncio.create_subprocess_exec(_backend(), env=env, **pipes)
    writing = asyncio.create_task(_write(process, body))
    status, answered = 200, {}
    try:
        while line := (await process.stdout.readline()).rstrip(b"\r\n"):
            name, _, value = line.decode("latin-1").partition(":")
            if name.lower() == "status":
                status = int(value.split()[0])
            else:
                answered[name] = value.strip()
    except BaseException:
        _end(process, writing)
        raise
    answered["Cache-Control"] = "no-cache"
    return StreamingResponse(_rest(process, writing), status, answered)


async def _write(process: asyncio.subprocess.Process, body: bytes) -> None:
    try:
        process.stdin.write(body)
        await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        pass  # the program has read what it needs
    finally:
        process.stdin.close()


async def _rest(process: asyncio.subprocess.Process, writing: asyncio.Task) -> AsyncIterator[bytes]:
    try:
        while chunk := await process.stdout.read(_CHUNK):
            yield chunk
        await process.wait()
    finally:
        _end(process, writing)


def _end(process: asyncio.subprocess.Process, writing: asyncio.Task) -> None:
    """Stop the program if it still runs: a client that disconnects must not leave it behind."""
    writing.cancel()
    if process.returncode is None:
        process.kill()
