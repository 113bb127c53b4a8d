"""Run the whole release: build, train, score, stage, publish, check. A step whose result exists is skipped.

    arith-puzzle release demo_cpu --to local

The token is the one of `hf auth login` or HF_TOKEN. It is never an argument. A new repo stays private until it is
complete. Large files are sent first, then one commit for each revision, then the tag. If nothing changed, there is no
commit. If the Hub is busy (429, 5xx, no answer), a line says when the next try starts. After an interruption, repeat
the command.

These are errors (status 2): the token is missing, wrong or read-only; it may not write in the namespace; a repo's name
is taken by something else; the version is published with other content (on the real Hub) or was yanked; the adapter's
base is not on the Hub; the Hub does not answer.
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
    """Run all steps, and print a line for each."""
    from arith_puzzle.release.pipeline import release

    recipe, work = source_and_work(args)
    return status_of_check(
        lambda: release(
            args.source, recipe, work, to=args.to, namespace=args.namespace, private=args.private, merged=args.merged
        )
    )
