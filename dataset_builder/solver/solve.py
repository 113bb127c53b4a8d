"""Solve one puzzle: list its solutions, or prove that it has none.

A solution is a binary tree over the given numbers. So the values of a part of the numbers (a multiset) are the results
of the ways to split the part in two. The solver first computes all values of parts with up to half of the numbers. Then
it searches from the target down: for larger parts it computes only the values that the target needs. The search is
complete, so finding nothing is a proof, unless it reaches its limit first. With more than MAX_EXACT_NUMBERS numbers,
``find`` tries random first steps, and finding nothing proves nothing. Equal numbers are interchangeable, and the
solutions of each part are computed once.

The rules are those of ``verify``: under ``rule="subset"`` every part of the numbers may be the whole; under
``division="rational"`` values are fractions; and a solution is written as equations or as one expression.

This module is plain Python, because the demo must start quickly. ``labels`` and ``canonical`` solve many puzzles at
once, by compiled code.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.puzzle import OPERATORS, completion, normal_form
from arith_puzzle.dataset_builder.solver.search import Budget, LimitReached, Search, check_operations
from arith_puzzle.metrics.arith_puzzle_verifier.verify import (
    Equation,
    check_options,
    needed_steps,
    solution_key,
    to_expression,
)

MAX_EXACT_NUMBERS = 8
"""Maximum count of numbers for an exact search."""
BOUND_FACTOR = 10
"""Bound on intermediate results, in multiples of V."""
STEPS_EACH = 50
"""Steps for which the text of one solution counts, in the limit of a search."""
REDUCED = 6
"""``find`` reduces larger puzzles to this count of numbers by random steps, then searches exactly."""


def default_bound(numbers: Sequence[int], target: int) -> int:
    """The dataset's bound on intermediate results for a puzzle: 600, or more if a number or the target exceeds 60."""
    return BOUND_FACTOR * max(60, abs(target), *map(abs, numbers))


def solutions(
    numbers: Sequence[int],
    target: int,
    *,
    bound: int | None = None,
    rule: str = "all",
    division: str = "exact",
    form: str = "equations",
    operations: Collection[str] = OPERATORS,
) -> Iterator[str]:
    """Iterate over all solutions of a puzzle.

    Args:
        numbers: 2 to MAX_EXACT_NUMBERS integers; they may repeat.
        target: the integer to reach.
        bound: upper bound on the absolute value of intermediate results and of the target; None: no bound.
        rule, division, form: as in ``verify``.
        operations: the operations that a solution may use, some of ``+ - * /``.

    Returns:
        Texts that ``verify`` accepts, each solution once, in no particular order. Solutions with the same
        ``response_key`` count as one. Equations are in normal form. If the iterator ends without a solution, none
        exists under the bound.

    Raises:
        InputError: too few or too many numbers, an unknown operation, or an expression is asked for and a number is
            negative.
        ValueError: an unknown rule, division or form.
        LimitReached: while iterating, if the search reaches its limit (``search.MAX_STEPS``, about ten seconds, or
            ``search.MAX_VALUES``, below a gigabyte). There may be more solutions.
    """
    if not 2 <= len(numbers) <= MAX_EXACT_NUMBERS:
        raise InputError(f"exact solving needs 2 to {MAX_EXACT_NUMBERS} numbers; got {len(numbers)}")
    check_rules(numbers, rule, division, form, operations)
    return _texts(numbers, target, Search(numbers, bound, division, operations), rule, form)


def check_rules(numbers: Sequence[int], rule: str, division: str, form: str, operations: Collection[str]) -> None:
    """Raise ValueError or InputError as ``solutions`` does, whatever the count of numbers is."""
    check_options(division, rule, form)
    check_operations(operations)
    if form == "expression" and min(numbers) < 0:
        raise InputError(f"an expression cannot contain the negative number {min(numbers)}; ask for equations")


def _texts(numbers: Sequence[int], target: int, search: Search, rule: str, form: str) -> Iterator[str]:
    if abs(target) > search.bound:
        return
    seen: set[tuple[Equation, ...]] = set()
    for part in search.parts() if rule == "subset" else [search.all]:
        if part in search.singles:  # one number, which only an expression can state
            if search.singles[part] == target and form == "expression":
                yield str(target)
            continue
        for equations in search.solutions(part, target):
            search.budget.spend(STEPS_EACH * search.slower)
            # played with the part's numbers alone, the last equation gives the target
            ordered: Sequence[Equation] = normal_form(search.numbers(part), equations)
            if rule == "subset":
                ordered = needed_steps(numbers, ordered)
                if solution_key(ordered) in seen:
                    continue
                seen.add(solution_key(ordered))
            yield to_expression(numbers, ordered) if form == "expression" else completion(ordered)


def find(
    numbers: Sequence[int],
    target: int,
    *,
    bound: int | None = None,
    rule: str = "all",
    division: str = "exact",
    form: str = "equations",
    operations: Collection[str] = OPERATORS,
    tries: int = 1000,
    seed: int = 0,
) -> tuple[str | None, bool]:
    """Find one solution of a puzzle quickly, also for more than MAX_EXACT_NUMBERS numbers.

    Small intermediate results and exact divisions are tried first. The search is complete for up to MAX_EXACT_NUMBERS
    numbers, and for more numbers if they repeat so often that they have no more parts than that, unless it reaches its
    limit. Otherwise each try combines random pairs, with small results, until REDUCED numbers are left, and then
    searches exactly.

    Args:
        numbers: at least 2 integers; they may repeat.
        target, bound, rule, division, form, operations: as for ``solutions``.
        tries: maximum number of tries; one takes 0.1 to 3 ms.
        seed: seed of the random steps. The result depends only on the arguments.

    Returns:
        (solution or None, proved). ``(None, True)`` means that no solution exists under the bound. ``(None, False)``
        means that none was found within the limit.

    Raises:
        InputError, ValueError: as ``solutions``, but for any number of numbers from 2.
    """
    if len(numbers) < 2:
        raise InputError(f"a puzzle needs at least 2 numbers; got {len(numbers)}")
    check_rules(numbers, rule, division, form, operations)
    if bound and abs(target) > bound:
        return None, True
    budget = Budget()
    parts = math.prod(count + 1 for count in Counter(numbers).values())
    if parts <= 1 << MAX_EXACT_NUMBERS:
        small = min(bound or math.inf, default_bound(numbers, target))
        wider = bound if bound else None
        attempts = [("exact", int(small)), ("exact", wider), (division, wider)]
        try:
            for one in dict.fromkeys(attempts):  # an exact solution is valid under every division
                search = Search(numbers, one[1], one[0], operations, budget)
                text = next(_texts(numbers, target, search, rule, form), None)
                if text is not None:
                    return text, True
        except LimitReached:
            return None, False
        return None, True
    generator = random.Random(seed)
    small = max(60, abs(target), *map(abs, numbers))
    reach = bound or default_bound(numbers, target)
    for _ in range(tries):
        pool, steps = list(numbers), []
        while len(pool) > REDUCED:
            a, b = (pool.pop(int(generator.random() * len(pool))) for _ in range(2))
            legal = [s for s in _results(a, b) if s[1] in operations and abs(s[3]) <= min(small, reach)]
            if not legal:
                break
            steps.append(legal[int(generator.random() * len(legal))])
            pool.append(steps[-1][3])
        else:
            search = Search(pool, reach, "exact", operations, budget)
            try:
                rest = next(search.solutions(search.all, target), None)
            except LimitReached:
                break
            if rest is not None:
                ordered = normal_form(numbers, [*steps, *rest])
                return to_expression(numbers, ordered) if form == "expression" else completion(ordered), True
    return None, False


def _results(a: int, b: int) -> list[tuple[int, str, int, int]]:
    """All equations of two numbers, with exact division."""
    a, b = max(a, b), min(a, b)
    found = [(a, "+", b, a + b), (a, "-", b, a - b), (b, "-", a, b - a), (a, "*", b, a * b)]
    return found + [(x, "/", y, x // y) for x, y in ((a, b), (b, a)) if y and x % y == 0]
