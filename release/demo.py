"""Serve the demo from the package, or the Space of a local release together with the local Hub that holds it."""

from __future__ import annotations

import os
import shlex
import socket
import sys
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import PACKAGE, read_json
from arith_puzzle.common.processes import child, exit_status
from arith_puzzle.common.provenance import check_name


def serve_demo(
    release: Path | None, model: str | None, adapter: str | None, dataset: str | None, port: int, hub_port: int
) -> int:
    """Run the demo's app until a signal stops it, or return its exit status.

    Args:
        release: a folder of ``arith-puzzle release --to local``. Its local Hub is served too, and the demo is the Space
            that was published there. None: the demo is the package's.
        model, adapter, dataset: folder or Hub id, for the package's demo; a model or an adapter.
        port, hub_port: ports of the demo and of the local Hub.

    Raises:
        InputError: a port is taken, the folder has no local release, or a name is neither a folder nor a Hub id.
    """
    if model and adapter:
        raise InputError("--model is a whole model, and --adapter names its base itself; leave one of them out")
    if release and (model or adapter or dataset):
        raise InputError("--release brings its own model and dataset; leave out --model, --adapter and --dataset")
    for name, what in ((model, "model"), (adapter, "adapter"), (dataset, "dataset")):
        if name is not None:
            check_name(name, what)
    _check_port(port)
    environment = os.environ | {"ARITH_PUZZLE_PORT": str(port), "HF_HUB_DISABLE_TELEMETRY": "1"}
    if release is None:
        # Show the model's own results, or else those of the package.
        chosen = model or adapter
        own = chosen and (not Path(chosen).is_dir() or (Path(chosen) / "results.json").is_file())
        results = None if own else str(PACKAGE / "results")
        named = {"MODEL": model, "ADAPTER": adapter, "DATASET": dataset, "RESULTS": results}
        if dataset and chosen and (Path(chosen) / "run.json").is_file():
            named["CONFIG"] = (read_json(Path(chosen) / "run.json")["recipe"].get("dataset") or {}).get("config")
        for name, value in named.items():
            if value:
                environment[f"ARITH_PUZZLE_{name}"] = str(Path(value).resolve()) if Path(value).is_dir() else value
        print(f"demo: http://127.0.0.1:{port}", flush=True)
        return _run(PACKAGE / "spaces" / "arith_puzzle_demo", environment, Path())

    from arith_puzzle.release.pipeline import Work, destination
    from arith_puzzle.release.stage import read_plan

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
        return _run(Path(folder), environment, Path(folder))


def welcome(endpoint: str, port: int, ids: dict[str, str]) -> str:
    """The addresses, and shell lines that can be pasted into another terminal, in any folder."""
    rows = '[{"numbers": [2, 3], "target": 5}]'
    adapters = [name for kind, name in ids.items() if kind.partition(".")[0] == "adapter"]
    codes = (
        f'from datasets import load_dataset; print(load_dataset("{ids["dataset"]}"))',
        f'import evaluate; print(evaluate.load("{ids["metric"]}").compute(predictions=["2+3=5"], references={rows}))',
        *(f'from peft import AutoPeftModelForCausalLM as Model; print(Model.from_pretrained("{name}"))'
          for name in adapters),
    )  # fmt: skip
    commands = "\n".join("  " + shlex.join([sys.executable, "-c", code]) for code in codes)
    return f"""
  demo        http://127.0.0.1:{port}
  local Hub   {endpoint}

In another terminal you can load the release as a user does:

  export HF_ENDPOINT={shlex.quote(endpoint)} HF_HUB_DISABLE_XET=1 HF_HOME=$(mktemp -d)
{commands}

Ctrl-C stops both.
"""


def _run(folder: Path, environment: dict[str, str], where: Path) -> int:
    """Run the app in the folder ``where``, from which the relative base of an adapter counts."""
    with child([sys.executable, str(folder / "app.py")], cwd=where, env=environment) as app:
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
