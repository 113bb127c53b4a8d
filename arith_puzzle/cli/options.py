"""Options that several commands share: the puzzle's rules, and those of stage, publish, check and release."""

from __future__ import annotations

import argparse
import os
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


def add_endpoint_options(parser: argparse.ArgumentParser, where: argparse._MutuallyExclusiveGroup) -> None:
    """Add the options that say which endpoint answers, with which key, how fast, and for which price.

    Args:
        where: group of the parser for the options of which only one may be given.
    """
    where.add_argument(
        "--endpoint", metavar="URL", help="URL of an OpenAI-compatible server, such as http://localhost:8000/v1"
    )
    where.add_argument("--provider", help="Inference Provider of the Hub; auto: the Hub chooses one")
    parser.add_argument(
        "--key-env", default="", metavar="VARIABLE", help="environment variable that holds the key or token"
    )
    for name, kind, default, what in (
        ("concurrency", int, 8, "maximum number of calls at a time"),
        ("requests-per-minute", float, 0, "maximum number of calls per minute; 0: no limit"),
        ("timeout", float, 600, "maximum time for one reply, in seconds"),
        ("price-in", float, 0, "price of a million prompt tokens, in US dollars"),
        ("price-out", float, 0, "price of a million completion tokens, in US dollars"),
    ):
        parser.add_argument(f"--{name}", type=kind, default=default, help=f"{what} (default: {default})")


def endpoint_of(args: argparse.Namespace, model: str | None):
    """The ``Endpoint`` that the options name, or None if they name none.

    Raises:
        InputError: no model, a variable without a key, a bad URL, or an Inference Provider without a token.
    """
    from arith_puzzle.common.endpoint import Endpoint

    key = os.environ.get(args.key_env) if args.key_env else None
    if args.key_env and not key:
        raise InputError(f"the environment variable {args.key_env} (--key-env) is not set; set it to the key")
    if args.endpoint is None and args.provider is None:
        return None
    if model is None:
        raise InputError("--endpoint and --provider need --model, the model's name there")
    where = {"url": args.endpoint} if args.endpoint else {"provider": args.provider}
    return Endpoint(model, key=key, timeout=args.timeout, **where)


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
    """Add the options that say which models are staged, under which licence, and compared with which."""
    parser.add_argument("--merged", action="store_true", help="also publish base and adapter as one model")
    parser.add_argument("--base-license", metavar="ID", help="licence of the base, if its card does not state one: an "
                        "id of the Hub, such as apache-2.0")  # fmt: skip
    parser.add_argument("--compare", nargs="+", default=[], type=Path, metavar="DIR", help="folders of `arith-puzzle "
                        "score`: other models on the same rows, for the table in the demo")  # fmt: skip
    parser.add_argument("--with", nargs="*", dest="along", metavar="NAME", help="also publish these trained adapters "
                        "of the package, with their bases; the demo begins with the first. Without a NAME: none "
                        "(default: paper_search_cpu with the recipe demo_cpu, else none)")  # fmt: skip


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


def along_with(args: argparse.Namespace, recipe) -> tuple[str, ...]:
    """The adapters of the package that a release of the recipe publishes too: those of --with, or the default."""
    from arith_puzzle.model_cards.shipped import published_with

    return published_with(recipe) if args.along is None else tuple(dict.fromkeys(args.along))


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
