"""Serve the demo from the package, or the Space of a local release together with the local Hub that holds it."""

from __future__ import annotations

import os
import shlex
import socket
import sys
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import PACKAGE
from arith_puzzle.common.processes import child, exit_status


def serve_demo(release: Path | None, adapter: str | None, dataset: str | None, port: int, hub_port: int) -> int:
    """Run the demo's app until a signal stops it, or return its exit status.

    Args:
        release: a folder of ``arith-puzzle release --to local``. Its local Hub is served too, and the demo is the Space
            that was published there. None: the demo is the package's.
        adapter, dataset: folder or Hub id, for the package's demo.
        port, hub_port: ports of the demo and of the local Hub.

    Raises:
        InputError: a port is taken, or the folder has no local release.
    """
    _check_port(port)
    environment = os.environ | {"ARITH_PUZZLE_PORT": str(port), "HF_HUB_DISABLE_TELEMETRY": "1"}
    if release is None:
        # Show the adapter's own results, or else those of the package.
        own = adapter and (not Path(adapter).is_dir() or (Path(adapter) / "results.json").is_file())
        results = None if own else str(PACKAGE / "results")
        names = ("ARITH_PUZZLE_ADAPTER", "ARITH_PUZZLE_DATASET", "ARITH_PUZZLE_RESULTS")
        for name, value in zip(names, (adapter, dataset, results), strict=True):
            if value:
                environment[name] = str(Path(value).resolve()) if Path(value).is_dir() else value
        print(f"demo: http://127.0.0.1:{port}", flush=True)
        return _run(PACKAGE / "spaces" / "arith_puzzle_demo", environment)

    from arith_puzzle.release.pipeline import Work, destination
    from arith_puzzle.release.stage import read_plan

    if adapter or dataset:
        raise InputError("--release brings its own adapter and dataset; leave out --adapter and --dataset")
    _, repos = read_plan(Work(release).stage)
    ids = {repo.kind: repo.id for repo in repos}
    with destination("local", release, port=hub_port) as (api, _):
        from huggingface_hub import snapshot_download

        home = (release / "demo-cache").resolve()
        folder = snapshot_download(
            ids["demo"], repo_type="space", endpoint=api.endpoint, token=False, cache_dir=home / "space"
        )
        environment |= {"HF_ENDPOINT": api.endpoint, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(home)}
        print(welcome(api.endpoint, port, ids), flush=True)
        return _run(Path(folder), environment)


def welcome(endpoint: str, port: int, ids: dict[str, str]) -> str:
    """The addresses, and shell lines that can be pasted into another terminal, in any folder."""
    rows = '[{"numbers": [2, 3], "target": 5}]'
    codes = (
        f'from datasets import load_dataset; print(load_dataset("{ids["dataset"]}"))',
        f'import evaluate; print(evaluate.load("{ids["metric"]}").compute(predictions=["2+3=5"], references={rows}))',
        f'from peft import AutoPeftModelForCausalLM as Model; print(Model.from_pretrained("{ids["adapter"]}"))',
    )
    commands = "\n".join("  " + shlex.join([sys.executable, "-c", code]) for code in codes)
    return f"""
  demo        http://127.0.0.1:{port}
  local Hub   {endpoint}

In another terminal you can load the release as a user does:

  export HF_ENDPOINT={shlex.quote(endpoint)} HF_HUB_DISABLE_XET=1 HF_HOME=$(mktemp -d)
{commands}

Ctrl-C stops both.
"""


def _run(folder: Path, environment: dict[str, str]) -> int:
    with child([sys.executable, "app.py"], cwd=folder, env=environment) as app:
        return exit_status(app.wait())


def _check_port(port: int) -> None:
    if not 1 <= port <= 65535:
        raise InputError(f"a port must be in 1..65535, not {port}; give another --port")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise InputError(f"cannot serve on port {port}: {error.strerror}; give another --port") from None
