"""Judge answers in a file: the metric over all of them, and a verdict for each.

    arith-puzzle verify answers.jsonl

A row has numbers (or nums), target and response; a row with several samples has responses, a list. Rows of a dataset
with rules of its own also have rule, division and form, which the options replace. JSON of reasoning-gym-eval is read,
too. Exit status 2: a row could not be read. The other rows are still judged.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from arith_puzzle.cli.options import add_puzzle_options
from arith_puzzle.common.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("file", type=Path, metavar="FILE.jsonl", help="file of answers")
    add_puzzle_options(parser)
    parser.set_defaults(rule=None, form=None, division=None)  # then as the rows state them
    parser.add_argument("--out", type=Path, help="file for the verdicts (default: FILE.jsonl.verdicts.jsonl)")


def run(args: argparse.Namespace) -> int:
    """Judge the file and print the metric."""
    from arith_puzzle.metrics.arith_puzzle_verifier.verify import RULE_COLUMNS
    from arith_puzzle.metrics.verify_file import table, verify_file

    out = args.out or Path(f"{args.file}.verdicts.jsonl")
    given = {name: getattr(args, name) for name in RULE_COLUMNS if getattr(args, name) is not None}
    measured, broken = verify_file(args.file, out, **given)
    if measured:
        print(table(measured))
        print(f"verdicts: {out}")
    for line in broken:
        print(line, file=sys.stderr)
    if not measured and not broken:
        raise InputError(f"{args.file} holds no row; a row has numbers, target and response")
    return 2 if broken else 0
