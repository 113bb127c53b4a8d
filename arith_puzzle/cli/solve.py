"""Print solutions of a puzzle such as 3,6,7,51,58:4. Exit status 1: none was found.

arith-puzzle solve 3,6,7,51,58:4 --limit 3
"""

from __future__ import annotations

import argparse
from itertools import islice

from arith_puzzle.common.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("puzzle", help="the numbers, a colon, the target: 3,6,7,51,58:4")
    parser.add_argument("--all", action="store_true", help="print every solution, not only the first")
    parser.add_argument("--limit", type=int, help="maximum number of solutions")
    parser.add_argument(
        "--bound", type=int, help="maximum |intermediate| (default: 10 times the largest number, at least 600)"
    )


def run(args: argparse.Namespace) -> int:
    """Print them."""
    from arith_puzzle.dataset_builder.puzzle import parse_puzzle
    from arith_puzzle.dataset_builder.solver.solve import MAX_EXACT_NUMBERS, default_bound, find, solutions

    numbers, target = parse_puzzle(args.puzzle)
    for name, value in (("--limit", args.limit), ("--bound", args.bound)):
        if value is not None and value < 1:
            raise InputError(f"{name} must be at least 1, not {value}")
    bound = args.bound or default_bound(numbers, target)
    limit = args.limit or (None if args.all else 1)
    if len(numbers) > MAX_EXACT_NUMBERS and limit == 1:
        text, proved = find(numbers, target, bound=bound)
        if text is None and not proved:
            print(f"no solution found; above {MAX_EXACT_NUMBERS} numbers this does not prove that there is none")
            return 1
        print(text or f"no solution: {args.puzzle} cannot be reached with exact division and |intermediate| <= {bound}")
        return 0 if text else 1
    count = 0
    for count, text in enumerate(islice(solutions(numbers, target, bound=bound), limit), 1):
        print(text if count == 1 else f"\n{text}")
    if not count:
        print(f"no solution: {args.puzzle} cannot be reached with exact division and |intermediate| <= {bound}")
        return 1
    return 0
