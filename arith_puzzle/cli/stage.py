"""Write one complete folder for each Hub repo of a trained and scored recipe, or of aug-gsm8k. Nothing is sent.

arith-puzzle stage demo_cpu --to hub --namespace your-name
"""

from __future__ import annotations

import argparse

from arith_puzzle.cli.options import add_common, add_model_options, along_with, source_and_work
from arith_puzzle.common.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_common(parser)
    add_model_options(parser)


def run(args: argparse.Namespace) -> int:
    """Stage, and print the folder."""
    from arith_puzzle.release import stage, stage_augmented
    from arith_puzzle.release.pipeline import destination

    recipe, work = source_and_work(args)
    if recipe is None and args.merged:
        raise InputError(f"--merged is for a recipe's models, and {args.source} has no model; leave it out")
    if recipe is None and args.compare:
        raise InputError(f"--compare is for a recipe's models, and {args.source} has no model; leave it out")
    if recipe is None and args.along:
        raise InputError(f"--with is for a recipe's models, and {args.source} has no model; leave it out")
    with work.claim():
        owner = args.namespace
        if owner is None:
            from arith_puzzle.release.publish import namespace_of

            with destination(args.to, work.root) as (api, _):
                owner = namespace_of(api)
        if recipe is None:
            print(stage_augmented.stage(args.source, owner, work.stage))
            return 0
        parts = {"dataset": work.dataset, "run": work.run, "scores": work.scores, "others": args.compare,
                 "along": along_with(args, recipe)}  # fmt: skip
        print(stage.stage(recipe, owner, out=work.stage, merged=args.merged, stated_licence=args.base_license, **parts))
    return 0
