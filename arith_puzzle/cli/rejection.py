"""Make training rows from the correct answers of a model (rejection sampling, RFT; arXiv 2308.01825).

    arith-puzzle score --adapter runs/x --config starter --split train --limit 20000 --samples 4 --out runs/x/samples
    arith-puzzle rejection runs/x/samples/generations-train.jsonl --out runs/x/rft

A recipe loads the rows with dataset: {path: runs/x/rft, config: rft}.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("generations", type=Path, nargs="+", help="generations-*.jsonl that arith-puzzle score wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder of the new dataset; must not exist")


def run(args: argparse.Namespace) -> int:
    """Write the dataset and print the numbers of samples, correct answers, rows and puzzles."""
    from arith_puzzle.training.rejection import reject

    found = reject(args.generations, args.out)
    print(f"{args.out}: " + ", ".join(f"{count:,} {what}" for what, count in found.items()))
    return 0
