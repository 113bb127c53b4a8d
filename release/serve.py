"""Serve the demo: out of the checkout, or as a rehearsed release has it, with the Hub that it was published to."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import PACKAGE


def serve_demo(release: Path | None, adapter: str | None, dataset: str | None, port: int, hub_port: int) -> int:
    """Run the demo's app until Ctrl-C; returns its exit status.

    Args:
        release: a folder that ``arith-puzzle release --to local`` filled: its Hub is served beside the demo,
            and the demo is the Space that was published there.
        adapter, dataset: folder or Hub id; what a demo out of the checkout uses.

    Raises:
        InputError: a port that is taken, or a folder without a rehearsed release.
    """
    _check_port(port)
    environment = os.environ | {"ARITH_PUZZLE_PORT": str(port), "HF_HUB_DISABLE_TELEMETRY": "1"}
    if release is None:
        # the adapter's own results, or those that the checkout carries
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
        print(_welcome(api.endpoint, port, ids), flush=True)
        return _run(Path(folder), environment)


def _welcome(endpoint: str, port: int, ids: dict[str, str]) -> str:
    python = os.path.relpath(sys.executable)
    return f"""
  demo            http://127.0.0.1:{port}
  local Hub   {endpoint}

In another terminal, what a user would type:

  export HF_ENDPOINT={endpoint} HF_HUB_DISABLE_XET=1 HF_HOME=$(mktemp -d)
  {python} -c 'from datasets import load_dataset; print(load_dataset("{ids["dataset"]}"))'
  {python} -c 'import evaluate; print(evaluate.load("{ids["metric"]}").compute(predictions=["2+3=5"], references=[{{"numbers": [2, 3], "target": 5}}]))'
  {python} -c 'from peft import AutoPeftModelForCausalLM; print(AutoPeftModelForCausalLM.from_pretrained("{ids["adapter"]}"))'

Ctrl-C stops both.
"""  # noqa: E501


def _run(folder: Path, environment: dict[str, str]) -> int:
    app = subprocess.Popen([sys.executable, "app.py"], cwd=folder, env=environment)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended like Ctrl-C: the app does not outlive this
    try:
        return app.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            app.terminate()
        app.wait()


def _check_port(port: int) -> None:
    if not 1 <= port <= 65535:
        raise InputError(f"a port lies in 1..65535, not {port}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise InputError(f"cannot serve on port {port}: {error.strerror}; give another --port") from None
