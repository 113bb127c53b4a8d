"""Start a server: `running` serves from a background thread, `serve` until Ctrl-C."""

from __future__ import annotations

import contextlib
import shlex
import socket
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from arith_puzzle.local_hub.app import make_app
from arith_puzzle.local_hub.calls import Hub
from arith_puzzle.local_hub.faults import Fault, Faults
from arith_puzzle.local_hub.links import Links
from arith_puzzle.local_hub.store.accounts import DEFAULT_USER, Accounts
from arith_puzzle.local_hub.store.collections import Collections
from arith_puzzle.local_hub.store.repos import Store

Sockets = list[socket.socket]
_STOP_SECONDS = 5  # time for running transfers to finish when the server stops


@dataclass(frozen=True)
class Running:
    """A Hub that is served. `faults` injects faults and counts requests (faults.py)."""

    endpoint: str
    token: str
    token_file: Path
    faults: Faults
    namespace: str = DEFAULT_USER

    def __repr__(self) -> str:
        return f"Running(endpoint={self.endpoint!r}, namespace={self.namespace!r})"  # never the token


def _open(root: Path, host: str, port: int, faults: Faults | None) -> tuple[Store, Accounts, Sockets, uvicorn.Server]:
    """Open the folder, the tokens and the ports: all that can fail, before the server runs."""
    store = Store(Path(root).absolute())
    listening: Sockets = []
    try:
        accounts = Accounts(store.root)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # Large files use the second port, any free one. To a client it is another host, like the storage behind the
        # real Hub.
        for wanted in (port, 0):
            listening.append(socket.create_server((host, wanted), family=family))
        hub = Hub(store, accounts, Collections(store.root), Links(), listening[1].getsockname()[1])
        app = faults.around(make_app(hub)) if faults else make_app(hub)
    except BaseException:
        _close(listening, store)
        raise
    # No access log, because addresses hold upload signatures. Clients drop idle connections after 5 s; if the server
    # did so too, a request could arrive on a connection that it is closing.
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=_STOP_SECONDS,
        timeout_keep_alive=60,
    )  # fmt: skip
    return store, accounts, listening, uvicorn.Server(config)


def _close(listening: Sockets, store: Store) -> None:
    for one in listening:
        one.close()
    store.close()


def _address(host: str, listening: Sockets) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening[0].getsockname()[1]}"


@contextlib.contextmanager
def running(
    root: str | Path, *, host: str = "127.0.0.1", port: int = 0, faults: Iterable[Fault] = ()
) -> Iterator[Running]:
    """Serve the Hub kept in `root` from a background thread while the block runs.

    Args:
        root: folder of the Hub's data; created if it is missing.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        faults: faults to inject (faults.py). `hub.faults` adds more and counts requests while the Hub serves.

    Raises:
        OSError: the folder cannot be written or is already served, or the port is taken.
        ValueError: `tokens.json` is malformed.
    """
    ordered = Faults(faults)
    store, accounts, listening, server = _open(Path(root), host, port, ordered)
    thread = threading.Thread(target=server.run, kwargs={"sockets": listening}, name="local-hub", daemon=True)
    thread.start()
    try:
        # The socket already listens, so a client's first request waits instead of failing.
        yield Running(_address(host, listening), accounts.token, accounts.token_file, ordered)
    finally:
        server.should_exit = True
        thread.join()
        _close(listening, store)


def serve(root: str | Path, host: str = "127.0.0.1", port: int = 7861) -> None:
    """Serve the Hub kept in `root` until Ctrl-C or SIGTERM. Prints the variables to export. Raises as `running`."""
    store, accounts, listening, server = _open(Path(root), host, port, None)
    endpoint = _address(host, listening)
    print(f"The local Hub in {store.root} is at {endpoint} (user {DEFAULT_USER}). To use it:\n")
    print(f"  export HF_ENDPOINT={endpoint}")
    print("  export HF_HUB_DISABLE_XET=1")
    print(f"  export HF_TOKEN_PATH={shlex.quote(str(accounts.token_file))}\n", flush=True)
    try:
        server.run(sockets=listening)
    finally:
        _close(listening, store)
