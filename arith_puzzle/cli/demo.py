"""Serve the demo of a local release, or the package's demo with a model of your choice.

arith-puzzle demo --release runs/arith-puzzle-arith-tiny-demo-lora
arith-puzzle demo --adapter runs/mine --dataset arith-puzzle
arith-puzzle demo --model runs/mine-merged
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--release", type=Path, help="folder of a local release; its local Hub is served too")
    parser.add_argument("--adapter", help="folder or Hub id of an adapter")
    parser.add_argument("--model", help="folder or Hub id of a whole model, such as a merged one")
    parser.add_argument("--dataset", help="folder or Hub id of the dataset")
    parser.add_argument("--port", type=int, default=7860, help="port of the demo (default: 7860)")
    parser.add_argument(
        "--hub-port", type=int, default=7861, help="port of the local Hub, with --release (default: 7861)"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    from importlib.util import find_spec

    from arith_puzzle.release.demo import serve_demo

    if not find_spec("gradio"):  # the server imports it in a process of its own, where the error would be a traceback
        raise ModuleNotFoundError("No module named 'gradio'", name="gradio")
    return serve_demo(args.release, args.model, args.adapter, args.dataset, args.port, args.hub_port)
