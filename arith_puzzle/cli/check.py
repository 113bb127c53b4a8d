"""Check what is published as a new user loads it: in new processes with empty caches.

    arith-puzzle check demo_cpu --to hub

The command compares every file with the staged one, loads everything, and runs every snippet of every card. Exit status
1 means that something differs or does not work.
"""

from __future__ import annotations

import argparse

from arith_puzzle.cli.options import add_common, check_staged, source_and_work, status_of_check


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_common(parser)
    parser.add_argument("--private", action="store_true", help="use the token, because the release is private")


def run(args: argparse.Namespace) -> int:
    """Check, and return the exit status."""
    from arith_puzzle.release.check import check
    from arith_puzzle.release.pipeline import destination

    recipe, work = source_and_work(args)
    check_staged(work, recipe, args.namespace)
    with work.claim(), destination(args.to, work.root) as (api, token):
        options = {"token": token if args.private else None, "shared": args.to == "hub"}
        return status_of_check(lambda: check(work.stage, api.endpoint, **options))
