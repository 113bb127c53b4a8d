"""Make training rows of a model's own verified answers (rejection sampling, RFT; arXiv 2308.01825).

    arith-puzzle score --adapter runs/x --split train --limit 20000 --samples 4 --out runs/x/drawn
    arith-puzzle rejection runs/x/drawn/generations-train.jsonl --out runs/x/rft

A recipe loads the rows by dataset: {path: runs/x/rft, config: rft}.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("generations", type=Path, nargs="+", help="generations-*.jsonl of arith-puzzle score")
    parser.add_argument("--out", type=Path, required=True, help="folder of the dataset; must not exist")


def run(args: argparse.Namespace) -> int:
    """Write the dataset and print what was kept."""
    from arith_puzzle.training.rejection import reject

    found = reject(args.generations, args.out)
    print(f"{args.out}: " + ", ".join(f"{count:,} {what}" for what, count in found.items()))
    return 0
