"""Labels, reachable targets and the canonical solution of one puzzle under any rule, division and operations.

The definitions are those of ``labels`` and ``canonical`` for the paper's rules, and extend them to the others:

- ``num_solutions`` counts expression trees whose value is the target. Equal given numbers are different leaves. Swapped
  operands of + or * give the same tree; if a = b, so do those of - and /. Under ``rule="all"`` a tree has all given
  numbers. Under ``rule="subset"`` it has any of them: two or more, or also a single one if ``form`` is ``expression``.
  A tree has no step that leads nowhere, so such steps never count.
- ``difficulty`` is -log10 of the share of all play-outs that end in the target. A play-out takes two numbers of the
  pool and one of the legal moves ``a+b a-b b-a a*b a/b b/a``, until one number is left. Under ``subset`` the play-outs
  of every choice of numbers count, each choice as in ``num_solutions``.
- The **canonical** solution has the least largest absolute intermediate result, then the least sum of these, then the
  fewest steps, then the first normal form, as in ``canonical``. An expression has the steps of the canonical equations.
- A target is **reachable** if it has a solution.

Only the given operations are moves. Quotients are those of ``division``; under ``rational`` values are fractions, and
targets are integers. All results, the last one included, are within the bound.

A table holds the values of each part of the numbers, and the number of trees and play-outs of each value. Parts are
combined by NumPy, pair by pair, in exact 64-bit integers. The paper's rules use ``labels`` and ``canonical``, which are
faster.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.puzzle import OPERATORS, completion, normal_form
from arith_puzzle.dataset_builder.solver.search import STEPS_BACK, Budget, LimitReached, Number, Search
from arith_puzzle.dataset_builder.solver.solve import check_rules
from arith_puzzle.metrics.arith_puzzle_verifier.verify import Equation, solution_key, to_expression

MAX_NUMBERS = {"exact": 7, "integer": 7, "rational": 6}
"""Maximum count of numbers, for each division."""
MAX_PAIRS = 50_000_000
"""Maximum number of pairs of values that are combined for one puzzle: about ten seconds."""
BLOCK = 1 << 18
"""Pairs that are combined at once."""
FIRST_WINDOW = 16
"""First bound under which the canonical solution is searched."""


class Labels(NamedTuple):
    """The labels of a puzzle; the module docstring defines them. ``difficulty`` is inf if there is no solution."""

    num_solutions: int
    difficulty: float


class _Table(NamedTuple):
    """The distinct values ``num / den`` of a part, and their ways: int64 (values,) each."""

    num: np.ndarray
    den: np.ndarray
    trees: np.ndarray
    playouts: np.ndarray

    def total(self, target: int) -> np.ndarray:
        """(trees with the target, play-outs with the target, all play-outs)."""
        hit = (self.num == target) & (self.den == 1)
        return np.array([self.trees[hit].sum(), self.playouts[hit].sum(), self.playouts.sum()])


def labels(
    numbers: Sequence[int],
    target: int,
    *,
    bound: int,
    rule: str = "all",
    division: str = "exact",
    operations: Collection[str] = OPERATORS,
    form: str = "equations",
) -> Labels:
    """The labels ``num_solutions`` and ``difficulty`` of a puzzle.

    Args:
        numbers: 2 to MAX_NUMBERS integers (8 under the paper's rules); they may repeat.
        target: the integer to reach.
        bound: upper bound on the absolute value of all results, at least that of the numbers.
        rule, division, form: as in ``verify``.
        operations: the operations that a solution may use, some of ``+ - * /``.

    Raises:
        InputError: too few or too many numbers, a number above the bound, an unknown operation, numbers too large for
            exact counts, or more than MAX_PAIRS pairs.
        ValueError: an unknown rule, division or form.
    """
    _check(numbers, bound, rule, division, operations, form)
    if _paper(rule, division, operations):
        from arith_puzzle.dataset_builder.solver.labels import count_solutions, difficulty

        count = count_solutions(np.array([numbers]), np.array([target]), bound=bound)
        return Labels(int(count[0]), difficulty(numbers, target, bound))
    return _labels(numbers, target, bound, rule, division, operations, form)


def _labels(
    numbers: Sequence[int], target: int, bound: int, rule: str, division: str, operations: Collection[str], form: str
) -> Labels:
    tables = _Tables(numbers, bound, division, operations)
    trees, hits, playouts = sum(
        (block.total(target) for part in tables.parts(rule, form) for block in tables.blocks(part)),
        np.zeros(3, np.int64),
    ).tolist()
    return Labels(trees, math.log10(playouts / hits) if hits else math.inf)


def reachable(
    numbers: Sequence[int],
    *,
    bound: int,
    rule: str = "all",
    division: str = "exact",
    operations: Collection[str] = OPERATORS,
    form: str = "equations",
) -> set[int]:
    """All targets within the bound that the numbers reach. Arguments and errors as for ``labels``."""
    _check(numbers, bound, rule, division, operations, form)
    if _paper(rule, division, operations):
        from arith_puzzle.dataset_builder.solver.labels import reachable as paper_reachable

        return paper_reachable(numbers, bound=bound)
    tables, found = _Tables(numbers, bound, division, operations), set()
    for part in tables.parts(rule, form):
        for block in tables.blocks(part):
            found.update(np.unique(block.num[block.den == 1]).tolist())
    return found


def canonical_solution(
    numbers: Sequence[int],
    target: int,
    *,
    bound: int | None,
    rule: str = "all",
    division: str = "exact",
    operations: Collection[str] = OPERATORS,
    form: str = "equations",
) -> str | None:
    """The canonical solution of a puzzle as a text that ``verify`` accepts, or None if there is no solution.

    Args:
        numbers: 2 to MAX_NUMBERS integers (8 under the paper's rules with a bound); they may repeat.
        bound: upper bound on the absolute value of all results; None: no bound.
        target, rule, division, operations, form: as for ``labels``.

    Raises:
        InputError, ValueError: as ``labels``, or the search reaches its limit.
    """
    _check(numbers, bound, rule, division, operations, form)
    if bound is not None and abs(target) > bound:
        return None
    if bound is not None and _paper(rule, division, operations):
        from arith_puzzle.dataset_builder.solver.canonical import canonical

        rows, found = canonical(np.array([numbers]), np.array([target]), bound)
        equations = [(a, OPERATORS[op], b, c) for a, op, b, c in rows[0].tolist()] if found[0] else None
    else:
        equations = _canonical(numbers, target, bound, rule, division, operations, form)
    if equations is None or form == "equations":
        return None if equations is None else completion(equations)
    return to_expression(numbers, equations) if equations else str(target)


def _check(
    numbers: Sequence[int], bound: int | None, rule: str, division: str, operations: Collection[str], form: str
) -> None:
    check_rules(numbers, rule, division, form, operations)
    most = 8 if _paper(rule, division, operations) else MAX_NUMBERS[division]
    if not 2 <= len(numbers) <= most:
        raise InputError(
            f"labels and canonical solutions need 2 to {most} numbers under rule {rule} and {division} division; "
            f"got {len(numbers)}"
        )
    if bound is not None and max(map(abs, numbers)) > bound:
        raise InputError(f"labels need numbers within the bound ±{bound}; got {max(map(abs, numbers))}")


def _paper(rule: str, division: str, operations: Collection[str]) -> bool:
    return rule == "all" and division == "exact" and set(operations) == set(OPERATORS)


def _single(rule: str, form: str) -> bool:
    """Whether a given number can be a solution by itself."""
    return rule == "subset" and form == "expression"


class _Tables:
    """The tables of all parts of the numbers; a part is a bit mask, so equal numbers are different."""

    def __init__(self, numbers: Sequence[int], bound: int, division: str, operations: Collection[str]):
        # |numerator| + denominator of any value is at most the product of (|number| + 1)
        largest = math.prod(abs(number) + 1 for number in numbers)
        if (largest if division == "rational" else min(largest, bound * bound)) >= 1 << 63:
            raise InputError(f"the numbers {list(numbers)} are too large for exact labels; lower them, or the bound")
        self.bound, self.division = bound, division
        self.moves = [_MOVES[op] for op in OPERATORS if op in operations]
        self.full, self.pairs = (1 << len(numbers)) - 1, 0
        one = np.ones(1, np.int64)
        self.known = {1 << at: _Table(one * number, one, one, one) for at, number in enumerate(numbers)}

    def parts(self, rule: str, form: str) -> list[int]:
        """The parts that can be a whole solution."""
        if rule == "all":
            return [self.full]
        least = 1 if _single(rule, form) else 2
        return [part for part in range(1, self.full + 1) if part.bit_count() >= least]

    def table(self, part: int) -> _Table:
        """The values of a part."""
        if part not in self.known:
            self.known[part] = _merge([_NOTHING, *(_merge([block]) for block in self.blocks(part))])
        return self.known[part]

    def blocks(self, part: int) -> Iterator[_Table]:
        """The values of a part in blocks, in which values repeat."""
        if part in self.known:
            yield self.known[part]
            return
        left = (part - 1) & part
        while left:
            right = part ^ left
            if (left.bit_count(), left) > (right.bit_count(), right):
                large, small = self.table(left), self.table(right)
                self.pairs += len(large.num) * len(small.num)
                if self.pairs > MAX_PAIRS:
                    raise InputError(
                        f"the labels of this puzzle need more than {MAX_PAIRS:,} pairs of values; lower the bound "
                        f"{self.bound}, or give fewer numbers"
                    )
                orders = math.comb(part.bit_count() - 2, right.bit_count() - 1)
                step = max(1, BLOCK // max(1, len(large.num)))
                for start in range(0, len(small.num), step):
                    some = _Table(*(column[None, start : start + step] for column in small))
                    yield from self._combine(_Table(*(column[:, None] for column in large)), some, orders)
            left = (left - 1) & part

    def _combine(self, x: _Table, y: _Table, orders: int) -> Iterator[_Table]:
        """The results of all moves on two tables that broadcast; ``orders``: how often their moves interleave."""
        trees, playouts = x.trees * y.trees, x.playouts * y.playouts * orders
        same = (x.num == y.num) & (x.den == y.den)
        for move in self.moves:
            for num, den, legal, swapped in move(x, y, self.division):
                # the floor of a negative numerator is the ceiling of the quotient
                legal = legal & (-(-np.abs(num) // den) <= self.bound)
                counted = np.where(same, 0, trees) if swapped else trees
                den = np.broadcast_to(den, legal.shape)
                yield _Table(num[legal], den[legal], counted[legal], playouts[legal])


_NOTHING = _Table(*np.empty((4, 0), np.int64))


def _sums(x: _Table, y: _Table, division: str) -> Iterator[tuple]:
    yield *_reduced(x.num * y.den + y.num * x.den, x.den * y.den, division), True, False


def _differences(x: _Table, y: _Table, division: str) -> Iterator[tuple]:
    num, den = _reduced(x.num * y.den - y.num * x.den, x.den * y.den, division)
    yield num, den, True, False
    yield -num, den, True, True


def _products(x: _Table, y: _Table, division: str) -> Iterator[tuple]:
    yield *_reduced(x.num * y.num, x.den * y.den, division), True, False


def _quotients(x: _Table, y: _Table, division: str) -> Iterator[tuple]:
    for a, b, swapped in ((x, y, False), (y, x, True)):
        legal, divisor = b.num != 0, np.where(b.num == 0, 1, b.num)
        if division == "rational":
            num, den = np.sign(divisor) * a.num * b.den, np.abs(divisor) * a.den
        else:
            num, den = np.sign(a.num) * np.sign(divisor) * (np.abs(a.num) // np.abs(divisor)), a.den * b.den
            if division == "exact":
                legal = legal & (num * divisor == a.num)
        yield *_reduced(num, den, division), legal, swapped


_MOVES: dict[str, Callable] = {"+": _sums, "-": _differences, "*": _products, "/": _quotients}
"""Operation -> its moves: (numerators, denominators, whether each is legal, whether the operands are swapped)."""


def _reduced(num: np.ndarray, den: np.ndarray, division: str) -> tuple[np.ndarray, np.ndarray]:
    if division != "rational":
        return num, den
    divisor = np.gcd(num, den)
    return num // divisor, den // divisor


def _merge(tables: list[_Table]) -> _Table:
    """One table with each value once; the ways of equal values are added."""
    num, den, trees, playouts = (np.concatenate(columns) for columns in zip(*tables, strict=True))
    if not len(num):
        return _Table(num, den, trees, playouts)
    order = np.lexsort((den, num))
    num, den = num[order], den[order]
    first = np.flatnonzero(np.r_[True, (num[1:] != num[:-1]) | (den[1:] != den[:-1])])
    return _Table(num[first], den[first], np.add.reduceat(trees[order], first), np.add.reduceat(playouts[order], first))


def _canonical(
    numbers: Sequence[int],
    target: int,
    bound: int | None,
    rule: str,
    division: str,
    operations: Collection[str],
    form: str,
) -> list[Equation] | None:
    """The equations of the canonical solution, in normal form, or None."""
    budget = Budget()
    window: Number | None = FIRST_WINDOW if bound is None else min(FIRST_WINDOW, bound)
    try:
        while True:
            best = _Best(Search(numbers, window, division, operations, budget), rule, form, max)
            largest = best.least(target)
            if largest < math.inf:
                break
            if window == bound:
                return None
            window = None if window is None or window > 10**6 else 8 * window
            window = window if bound is None else min(window or bound, bound)
        # the least sum under the least largest result
        return _Best(Search(numbers, largest, division, operations, budget), rule, form, sum).first(target)
    except LimitReached:
        raise InputError(
            f"the canonical solution of {list(numbers)} was not found within the limit; lower the bound, or give "
            "fewer or smaller numbers"
        ) from None


class _Best:
    """The solutions of one puzzle whose intermediate results have the least cost: their maximum, or their sum."""

    def __init__(self, search: Search, rule: str, form: str, add: Callable[[tuple], Any]):
        self.search, self.add = search, add
        self.parts = search.parts() if rule == "subset" else [search.all]
        if not _single(rule, form):
            self.parts = [part for part in self.parts if part not in search.singles]
        self.cost = cache(self._cost)

    def least(self, target: int) -> Any:
        """The least cost of any solution; inf if there is none."""
        return min((self.cost(part, target) for part in self.parts), default=math.inf)

    def first(self, target: int) -> list[Equation]:
        """The solution of the least cost that has the fewest steps, then the first normal form."""
        least = self.least(target)
        found = [
            normal_form(self.search.numbers(part), equations)
            for part in self.parts
            if self.cost(part, target) == least
            for equations in self._solutions(part, target)
        ]
        return min(
            found, key=lambda equations: (len(equations), [(-a, -b, OPERATORS.index(op)) for a, op, b, _ in equations])
        )

    def _cost(self, part: int, value: Number) -> Any:
        if part in self.search.singles:
            return 0 if value == self.search.singles[part] else math.inf
        steps = self.search.last_steps(part, value)
        return min((self._sum(left, a, right, b) for left, right, (a, _, b, _) in steps), default=math.inf)

    def _sum(self, left: int, a: Number, right: int, b: Number) -> Any:
        """The cost of two operands with their own results."""
        sides = [
            0 if part in self.search.singles else self.add((abs(value), self.cost(part, value)))
            for part, value in ((left, a), (right, b))
        ]
        return self.add(tuple(sides))

    def _solutions(self, part: int, value: Number) -> set[tuple[Equation, ...]]:
        """The solutions of a part that have the least cost, as keys."""
        if part in self.search.singles:
            return {()}
        self.search.budget.spend(STEPS_BACK)
        return {
            solution_key([*first, *second, equation])
            for left, right, equation in self.search.last_steps(part, value)
            if self._sum(left, equation[0], right, equation[2]) == self.cost(part, value)
            for first in self._solutions(left, equation[0])
            for second in self._solutions(right, equation[2])
        }
