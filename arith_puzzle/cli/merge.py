"""Merge an adapter into its base and save the result as one model.

arith-puzzle merge --adapter runs/mine --out runs/mine-merged
"""

from __future__ import annotations

import argparse
from pathlib import Path

from arith_puzzle.common.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--adapter", required=True, help="folder or Hub id of a PEFT adapter")
    parser.add_argument("--adapter-revision", metavar="REV")
    parser.add_argument("--model", help="folder or Hub id of the base (default: the one that the adapter names)")
    parser.add_argument("--model-revision", metavar="REV")
    parser.add_argument("--out", type=Path, required=True, help="folder of the merged model; must not exist")


def run(args: argparse.Namespace) -> int:
    """Merge and save."""
    from arith_puzzle.evaluation.merge import merge_adapter

    if args.out.exists():
        raise InputError(f"{args.out} exists; give another --out, or delete it")
    merge_adapter(
        args.adapter, args.out, base=args.model, revision=args.model_revision, adapter_revision=args.adapter_revision
    )
    print(args.out)
    return 0
