"""Serve the local Hub on loopback: a stand-in for the Hugging Face Hub, to try a release before it is public.

arith-puzzle hub --root runs/hub
"""

from __future__ import annotations

import argparse
from pathlib import Path

from arith_puzzle.common.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--root", type=Path, default=Path("runs/hub"), help="folder for the data (default: runs/hub)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=7861, help="port to listen on; 0 takes a free one (default: 7861)")


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    from arith_puzzle.local_hub.server import serve

    if not 0 <= args.port <= 65535:
        raise InputError(f"--port must be in 0..65535, not {args.port}")
    try:
        serve(args.root, args.host, args.port)  # once it has stopped, uvicorn raises the signal again
    except (OSError, ValueError) as error:
        raise InputError(str(error)) from None
    return 0
