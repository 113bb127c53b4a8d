"""Serving: a Hub on an address, in a thread (`running`) or until stopped (`serve`)."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from .accounts import DEFAULT_USER, Accounts
from .app import make_app
from .calls import Hub
from .collection import Collections
from .lfs import UploadLinks
from .storage import Store

_STOP_SECONDS = 5  # what a transfer under way is given when the server stops


@dataclass(frozen=True)
class Running:
    """A Hub that is being served."""

    endpoint: str
    token: str
    token_file: Path
    namespace: str = DEFAULT_USER

    def __repr__(self) -> str:
        return f"Running(endpoint={self.endpoint!r}, namespace={self.namespace!r})"  # never the token


def _open(root: Path, host: str, port: int) -> tuple[Store, Accounts, socket.socket, uvicorn.Server]:
    """Everything that can fail, before anything runs: the folder, the tokens, the address."""
    store = Store(Path(root).absolute())
    try:
        accounts = Accounts(store.root)
        app = make_app(Hub(store, accounts, Collections(store.root), UploadLinks()))
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except BaseException:
        store.close()
        raise
    # No access log: addresses hold upload signatures.
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=_STOP_SECONDS
    )
    return store, accounts, listening, uvicorn.Server(config)


def _described(accounts: Accounts, host: str, listening: socket.socket) -> Running:
    shown = f"[{host}]" if ":" in host else host
    return Running(f"http://{shown}:{listening.getsockname()[1]}", accounts.token, accounts.token_file)


@contextlib.contextmanager
def running(root: str | Path, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[Running]:
    """Serve the Hub kept in `root` from a background thread while the block runs; port 0 takes a free one.

    Raises `OSError` when the folder cannot be written, is served already, or the port is taken; `ValueError` when
    `tokens.json` is malformed.
    """
    store, accounts, listening, server = _open(Path(root), host, port)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="rehearsal-hub", daemon=True)
    thread.start()
    try:
        # The socket listens already, so a client's first request waits instead of failing.
        yield _described(accounts, host, listening)
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
        store.close()


def serve(root: str | Path, host: str = "127.0.0.1", port: int = 7861) -> None:
    """Serve the Hub kept in `root` until Ctrl-C or SIGTERM, printing what a user would type. Raises as `running`."""
    store, accounts, listening, server = _open(Path(root), host, port)
    hub = _described(accounts, host, listening)
    print(f"The rehearsal Hub of {store.root} is at {hub.endpoint} (user {hub.namespace}). To use it:\n")
    print(f"  export HF_ENDPOINT={hub.endpoint}")
    print("  export HF_HUB_DISABLE_XET=1")
    print(f"  export HF_TOKEN_PATH={hub.token_file}\n", flush=True)
    try:
        server.run(sockets=[listening])
    finally:
        listening.close()
        store.close()
