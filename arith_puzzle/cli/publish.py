"""Publish the staged folders, or yank a published version.

arith-puzzle publish demo_cpu --to hub --dry-run
"""

from __future__ import annotations

import argparse

from arith_puzzle.cli.options import PUBLISHING, add_common, check_staged, source_and_work
from arith_puzzle.common.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = PUBLISHING
    add_common(parser)
    parser.add_argument("--private", action="store_true", help="keep repos without a published version private")
    parser.add_argument(
        "--dry-run", action="store_true", help="print what would change, file by file, and change nothing"
    )
    parser.add_argument("--yank", metavar="VERSION", help="mark a version as withdrawn; delete nothing")
    parser.add_argument("--successor", metavar="VERSION", help="version that replaces the yanked one, or a model's id")


def run(args: argparse.Namespace) -> int:
    """Publish, and print the collection's address."""
    from arith_puzzle.release.pipeline import destination

    if args.successor and not args.yank:
        raise InputError("--successor needs --yank; leave it out")
    if args.yank and args.private:
        raise InputError("--private is for new repos, and --yank makes none; leave it out")
    if args.yank:
        return _yank(args)
    recipe, work = source_and_work(args)
    check_staged(work, recipe, args.namespace)
    with work.claim(), destination(args.to, work.root) as (api, _):
        from arith_puzzle.release.publish import publish

        published = publish(
            work.stage,
            api,
            private=args.private,
            move_tags=args.to == "local",
            dry_run=args.dry_run,
            announce=print,
        )
        print(f"{api.endpoint}/collections/{published['collection']}" if published else "dry run: nothing was changed")
    return 0


def _along(work, recipe) -> list[str]:
    """The adapters of the package in the stage, if it is there, or else those that the recipe's release publishes."""
    from arith_puzzle.model_cards.shipped import published_with
    from arith_puzzle.release.stage import read_plan

    if not (work.stage / "release.json").is_file():
        return list(published_with(recipe))
    return [repo.shipped for repo in read_plan(work.stage)[1] if repo.shipped and repo.role == "adapter"]


def _yank(args: argparse.Namespace) -> int:
    from arith_puzzle.release import stage, stage_augmented
    from arith_puzzle.release.pipeline import destination
    from arith_puzzle.release.publish import namespace_of
    from arith_puzzle.release.yank import yank

    recipe, work = source_and_work(args)
    with destination(args.to, work.root) as (api, _):
        owner = args.namespace or namespace_of(api)
        repos = (
            stage.plan(recipe, owner, merged=True, along=_along(work, recipe))
            if recipe
            else stage_augmented.plan(owner)
        )
        yank(repos, api, args.yank, args.successor, dry_run=args.dry_run, announce=print)
    if args.dry_run:
        print("dry run: nothing was changed")
    return 0
