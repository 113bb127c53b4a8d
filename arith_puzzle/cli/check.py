"""Check what is published, in new processes with empty caches, as a new user would load it.

    arith-puzzle check tiny_cpu --to hub

Compares every file with the staged one and runs every snippet of every card. Exit status 1: something differs.
"""

from __future__ import annotations

import argparse

from arith_puzzle.cli.release_options import add_common, check_namespace, source_and_work, status_of_check


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_common(parser)
    parser.add_argument("--private", action="store_true", help="the release is private: use the token")


def run(args: argparse.Namespace) -> int:
    """Check it."""
    from arith_puzzle.release.check import check
    from arith_puzzle.release.pipeline import destination

    _, work = source_and_work(args)
    check_namespace(work, args.namespace)
    with destination(args.to, work.root) as (api, token):
        return status_of_check(lambda: check(work.stage, api.endpoint, token=token if args.private else None))
