"""Options that several commands share: the puzzle's rules, and those of stage, publish, check and release."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from arith_puzzle.common.errors import InputError

PUBLISHING = """\
The token is the one of `hf auth login` or HF_TOKEN. It is never an argument. A new repo stays private until it is
complete. Large files are sent first, then one commit for each revision, then the tag. If nothing changed, there is no
commit. If the Hub is busy (429, 5xx, no answer), a line says when the next try starts. After an interruption, repeat
the command.

These are errors (status 2): the token is missing, wrong or read-only; it may not write in the namespace; a repo's name
is taken by something else; the version is published with other content (on the real Hub) or was yanked; the adapter's
base is not on the Hub; the Hub does not answer.
"""
"""What `--help` of publish and release says about publishing."""


def add_puzzle_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which answers are right; see ``verify``."""
    from arith_puzzle.metrics.arith_puzzle_verifier.verify import DIVISIONS, FORMS, RULES

    rules = parser.add_argument_group("rules", "the defaults are the paper's puzzle")
    rules.add_argument(
        "--rule", choices=RULES, default=RULES[0], help="use each number exactly once (all) or at most once (subset)"
    )
    rules.add_argument(
        "--form", choices=FORMS, default=FORMS[0], help="an answer is lines such as 58-51=7, or one infix expression"
    )
    rules.add_argument(
        "--division",
        choices=DIVISIONS,
        default=DIVISIONS[0],
        help="quotients must be integers (exact), are truncated (integer), or are fractions (rational: expressions)",
    )


def add_common(parser: argparse.ArgumentParser, *, recipe_only: bool = False) -> None:
    """Add the options that say what is released, in which folder, and to which Hub."""
    if recipe_only:
        parser.add_argument(
            "source", type=Path, metavar="RECIPE", help="file of a recipe, or the name of one in training/recipes"
        )
    else:
        parser.add_argument("source", type=Path, metavar="SOURCE", help="recipe, or folder of `augment build`")
    parser.add_argument(
        "--work", type=Path, help="folder of the release (default: runs/<the recipe's name> or runs/release-aug-gsm8k)"
    )
    parser.add_argument(
        "--to", choices=("local", "hub"), required=True, help="a local Hub, for rehearsals, or the real Hub"
    )
    parser.add_argument("--namespace", help="user or organisation that owns the repos (default: the token's user)")


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which models are staged, and under which licence."""
    parser.add_argument("--merged", action="store_true", help="also publish base and adapter as one model")
    parser.add_argument("--base-license", metavar="ID", help="licence of the base, if its card does not state one: an "
                        "id of the Hub, such as apache-2.0")  # fmt: skip


def source_and_work(args: argparse.Namespace):
    """Return (the recipe, or None for aug-gsm8k; the release's ``Work``)."""
    from arith_puzzle.release.own_data import own_dataset
    from arith_puzzle.release.pipeline import Work
    from arith_puzzle.training.recipe import load_recipe

    if args.source.is_dir() and args.argv[0] != "release":
        from arith_puzzle.release.stage_augmented import NAME, read_manifest

        read_manifest(args.source)
        return None, Work(args.work or Path("runs") / f"release-{NAME}", stage=f"stage-{NAME}")
    recipe = load_recipe(args.source)
    work, dataset = args.work or Path("runs") / recipe.name, own_dataset(recipe)
    if dataset and work.resolve().is_relative_to(dataset.resolve()):
        raise InputError(
            f"the work folder {work} lies in the dataset's folder {dataset}, which is published; use --work"
        )
    return recipe, Work(work, dataset=dataset)


def check_staged(work, recipe, namespace: str | None) -> None:
    """Raise InputError if the folders were staged for another namespace, which their cards name, or another recipe."""
    from arith_puzzle.release.stage import read_plan

    plan = read_plan(work.stage)[0]
    staged = plan["namespace"]
    if recipe and plan.get("recipe_digest") != recipe.digest:
        raise InputError(f"{work.stage} was staged from another recipe than {recipe.name} is now; run `stage` again")
    if namespace not in (None, staged):
        raise InputError(
            f"{work.stage} was staged for {staged}, not {namespace}; run `stage` with --namespace {namespace}"
        )


def status_of_check(run: Callable[[], object]) -> int:
    """Call ``run``, print a CheckFailed as one line, and return the exit status."""
    from arith_puzzle.release.user import CheckFailed

    try:
        run()
    except CheckFailed as error:
        print(f"check failed: {error}", file=sys.stderr)
        return 1
    return 0
