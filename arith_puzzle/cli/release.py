"""Do the whole release: build, train, score, stage, publish, check. Stages whose result is there are skipped.

    arith-puzzle release tiny_cpu --to local

The token is that of `hf auth login` or HF_TOKEN; it is never an argument. A new repo is private until it is whole;
large files go first, then one commit for each revision, the tag last. Nothing changed, no commit. When the Hub is busy
(429, 5xx, no answer) a line says how long the next try is away; an interrupted command is simply repeated.

One line and status 2: a missing or wrong token, or one that only reads; a namespace that it may not write in; a name
that holds something else; a version that is out with other content (on the real Hub) or was withdrawn; an adapter
whose base is not on the Hub; a Hub that does not answer.
"""

from __future__ import annotations

import argparse

from arith_puzzle.cli.release_options import add_common, source_and_work, status_of_check


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_common(parser, recipe_only=True)
    parser.add_argument("--private", action="store_true", help="keep repos without a published version private")
    parser.add_argument("--merged", action="store_true", help="also publish base and adapter as one model")


def run(args: argparse.Namespace) -> int:
    """Run all stages; prints one line for each."""
    from arith_puzzle.release.pipeline import release

    recipe, work = source_and_work(args)
    return status_of_check(
        lambda: release(
            args.source, recipe, work, to=args.to, namespace=args.namespace, private=args.private, merged=args.merged
        )
    )
