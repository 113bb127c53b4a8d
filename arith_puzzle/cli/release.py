"""Run the whole release: build, train, score, stage, publish, check. A step whose result exists is skipped.

arith-puzzle release demo_cpu --to local
"""

from __future__ import annotations

import argparse
import re

from arith_puzzle.cli import COMMANDS
from arith_puzzle.cli.options import (
    PUBLISHING,
    add_common,
    add_model_options,
    along_with,
    source_and_work,
    status_of_check,
)
from arith_puzzle.common.errors import InputError

ELSEWHERE = {
    "--out": "--work", "--config": "dataset.config", "--seed": "dataset.seed", "--split": "score.splits",
    "--format": "score.format", "--batch-size": "score.batch_size", "--max-new-tokens": "score.max_new_tokens",
    "--limit": "score.limit", "--model": "model.base", "--chat": "chat",
}  # fmt: skip
"""Options of `build` and `score` -> the option of `release`, or the key of the recipe, that says the same."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = PUBLISHING
    add_common(parser, recipe_only=True)
    parser.add_argument("--private", action="store_true", help="keep repos without a published version private")
    add_model_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run all steps, and print a line for each."""
    from arith_puzzle.release.pipeline import release

    options = {"to": args.to, "namespace": args.namespace, "private": args.private, "merged": args.merged}
    try:
        recipe, work = source_and_work(args)
        options["along"] = along_with(args, recipe)
        with work.claim():
            return status_of_check(
                lambda: release(
                    args.source, recipe, work, stated_licence=args.base_license, others=args.compare, **options
                )
            )
    except InputError as error:
        raise InputError(own_words(str(error))) from None


def own_words(message: str) -> str:
    """A message of a step in the words of this command. A command line in it stays as it is."""
    line = re.search(rf"arith-puzzle ({'|'.join(COMMANDS)})\b.*|$", message)[0]
    said = message.removesuffix(line)
    return re.sub(r"(?<![\w-])--[a-z-]+", lambda option: ELSEWHERE.get(option[0], option[0]), said) + line
