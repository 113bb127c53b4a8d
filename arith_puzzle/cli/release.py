"""Run the whole release: build, train, score, stage, publish, check. A step whose result exists is skipped.

arith-puzzle release demo_cpu --to local
"""

from __future__ import annotations

import argparse

from arith_puzzle.cli.options import PUBLISHING, add_common, add_model_options, source_and_work, status_of_check


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = PUBLISHING
    add_common(parser, recipe_only=True)
    parser.add_argument("--private", action="store_true", help="keep repos without a published version private")
    add_model_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run all steps, and print a line for each."""
    from arith_puzzle.release.pipeline import release

    recipe, work = source_and_work(args)
    options = {"to": args.to, "namespace": args.namespace, "private": args.private, "merged": args.merged}
    with work.claim():
        return status_of_check(lambda: release(args.source, recipe, work, stated_licence=args.base_license, **options))
