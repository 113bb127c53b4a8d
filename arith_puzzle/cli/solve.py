"""Print solutions of a puzzle such as 3,6,7,51,58:4. Exit status 1: none was found.

A search ends at a limit, after about ten seconds and below a gigabyte: then "not found within the limit" is no proof.

arith-puzzle solve 3,6,7,51,58:4 --limit 3
arith-puzzle solve 3,3,8,8:24 --form expression --division rational
arith-puzzle solve 3,6,7,51,58:4 --count --operations=+-
"""

from __future__ import annotations

import argparse
from itertools import islice

from arith_puzzle.cli.options import add_puzzle_options
from arith_puzzle.common.errors import InputError

NOT_FOUND = "not found within the limit"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "puzzle", help="the numbers, a colon, the target: 3,6,7,51,58:4; write -- before it if it begins with a minus"
    )
    parser.add_argument("--all", action="store_true", help="print every solution, not only the first")
    parser.add_argument("--limit", type=int, help="maximum number of solutions")
    parser.add_argument(
        "--count", action="store_true", help="print the number of solutions, the difficulty and the canonical solution"
    )
    parser.add_argument(
        "--bound",
        type=int,
        help="maximum |result| (default: none; with --count 10 times the largest number, target or 60)",
    )
    parser.add_argument("--operations", default="+-*/", metavar="OPS", help="operations to use (default: +-*/)")
    add_puzzle_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print them."""
    from arith_puzzle.dataset_builder.puzzle import parse_puzzle
    from arith_puzzle.dataset_builder.solver.solve import LimitReached, default_bound, find, solutions

    numbers, target = parse_puzzle(args.puzzle)
    for name, value in (("--limit", args.limit), ("--bound", args.bound)):
        if value is not None and not 1 <= value <= 10**18:
            raise InputError(f"{name} must be in 1..10^18, not {value}")
    if args.division == "rational" and args.form == "equations":
        raise InputError("--division rational needs --form expression: equations have no way to write fractions")
    options = {
        "bound": args.bound,
        "rule": args.rule,
        "division": args.division,
        "form": args.form,
        "operations": args.operations,
    }
    if args.count:
        if args.all or args.limit:
            raise InputError("--count counts all solutions; leave out --all and --limit")
        return _count(args.puzzle, numbers, target, options | {"bound": args.bound or default_bound(numbers, target)})
    limit = args.limit or (None if args.all else 1)
    count, complete = 0, True
    if limit == 1:
        text, complete = find(numbers, target, **options)
        count = int(text is not None)
        print(text if count else "", end="\n" if count else "")
    else:
        try:
            for count, text in enumerate(islice(solutions(numbers, target, **options), limit), 1):
                print(text if count == 1 or args.form == "expression" else f"\n{text}")
        except LimitReached:
            complete = False
    if not count:
        print(_no_solution(args.puzzle, options) if complete else f"{NOT_FOUND}: {args.puzzle}")
    elif not complete:
        print("the search reached its limit; there may be more")
    return 0 if count else 1


def _count(puzzle: str, numbers: list[int], target: int, options: dict) -> int:
    from arith_puzzle.dataset_builder.solver.analysis import canonical_solution, labels

    count, difficulty = labels(numbers, target, **options)
    if not count:
        print(_no_solution(puzzle, options))
        return 1
    print(f"num_solutions: {count}\ndifficulty: {difficulty:.4f}\nbound: {options['bound']}\ncanonical solution:")
    print(canonical_solution(numbers, target, **options))
    return 0


def _no_solution(puzzle: str, options: dict) -> str:
    within = f" and |intermediate| <= {options['bound']}" if options["bound"] else ""
    only = "" if set(options["operations"]) == set("+-*/") else f", operations {options['operations']}"
    rules = f"rule {options['rule']}, {options['division']} division{only}{within}"
    return f"no solution: {puzzle} cannot be reached ({rules})"
