"""Merge an adapter into its base model and save the result as one model.

arith-puzzle merge --adapter runs/mine --out runs/mine-merged

The command compares the logits of the saved model with those of base and adapter. If they differ, nothing is written.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--adapter", required=True, help="folder or Hub id of a PEFT adapter")
    parser.add_argument("--adapter-revision", metavar="REV", help="revision of the adapter's Hub id (default: main)")
    parser.add_argument("--model", help="folder or Hub id of the base model (default: the one that the adapter names)")
    parser.add_argument(
        "--model-revision", metavar="REV",
        help="revision of the base model's Hub id (default: the one that the adapter names, else main)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, help="new folder for the merged model; must not exist")


def run(args: argparse.Namespace) -> int:
    """Merge the adapter, save the model and print its folder."""
    from arith_puzzle.evaluation.merge import merge_adapter

    merge_adapter(
        args.adapter, args.out, base=args.model, revision=args.model_revision, adapter_revision=args.adapter_revision
    )
    print(args.out)
    return 0
