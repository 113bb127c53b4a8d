"""Solve one puzzle exactly: list its solutions, or prove that it has none.

A solution is a binary tree over the given numbers. So the values of a part of the numbers (a multiset) are the results
of the ways to split the part in two. The solver first computes all values of parts with up to half of the numbers. Then
it searches from the target down: for larger parts it computes only the values that the target needs. The search is
complete, so finding nothing is a proof, unless it reaches its limit first. Equal numbers are interchangeable, and the
solutions of each part are computed once.

The rules are those of ``verify``: under ``rule="subset"`` every part of the numbers may be the whole; under
``division="rational"`` values are fractions; and a solution is written as equations or as one expression.

This module is plain Python, because the demo must start quickly. ``labels`` and ``canonical`` solve many puzzles at
once, by compiled code.
"""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.puzzle import completion, normal_form
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
REDUCED = 6
"""``find`` reduces larger puzzles to this count of numbers by random steps, then searches exactly."""
MAX_STEPS = 20_000_000
"""Limit of one search, in pairs of values that are examined: about ten seconds."""
MAX_VALUES = 4_000_000
"""Limit of one search, in values that are kept: below a gigabyte."""


class LimitReached(Exception):
    """The search reached MAX_STEPS or MAX_VALUES before it was complete."""


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
) -> Iterator[str]:
    """Iterate over all solutions of a puzzle.

    Args:
        numbers: 2 to MAX_EXACT_NUMBERS integers; they may repeat.
        target: the integer to reach.
        bound: upper bound on the absolute value of intermediate results and of the target; None: no bound.
        rule, division, form: as in ``verify``.

    Returns:
        Texts that ``verify`` accepts, each solution once, in no particular order. Solutions with the same
        ``response_key`` count as one. Equations are in normal form. If the iterator ends without a solution, none
        exists under the bound.

    Raises:
        InputError: too few or too many numbers, or an expression is asked for and a number is negative.
        ValueError: an unknown rule, division or form.
        LimitReached: while iterating, if the search reaches its limit. There may be more solutions.
    """
    if not 2 <= len(numbers) <= MAX_EXACT_NUMBERS:
        raise InputError(f"exact solving needs 2 to {MAX_EXACT_NUMBERS} numbers; got {len(numbers)}")
    _check(numbers, rule, division, form)
    return _texts(numbers, target, bound, rule, division, form)


def _check(numbers: Sequence[int], rule: str, division: str, form: str) -> None:
    check_options(division, rule, form)
    if form == "expression" and min(numbers) < 0:
        raise InputError(f"an expression cannot contain the negative number {min(numbers)}; ask for equations")


def _texts(
    numbers: Sequence[int], target: int, bound: int | None, rule: str, division: str, form: str
) -> Iterator[str]:
    search = _Search(numbers, bound, division)
    seen: set[tuple[Equation, ...]] = set()
    for part in search.parts() if rule == "subset" else [search.all]:
        if part in search.singles:  # one number, which only an expression can state
            if search.singles[part] == target and form == "expression":
                yield str(target)
            continue
        for equations in search.solutions(part, target):
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
        target, bound, rule, division, form: as for ``solutions``.
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
    _check(numbers, rule, division, form)
    parts = math.prod(count + 1 for count in Counter(numbers).values())
    if parts <= 1 << MAX_EXACT_NUMBERS:
        small = min(bound or math.inf, default_bound(numbers, target))
        wider = bound if bound else None
        attempts = [("exact", int(small)), ("exact", wider), (division, wider)]
        try:
            for one in dict.fromkeys(attempts):  # an exact solution is valid under every division
                text = next(_texts(numbers, target, one[1], rule, one[0], form), None)
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
            legal = [step for step in _results(a, b) if abs(step[3]) <= min(small, reach)]
            if not legal:
                break
            steps.append(legal[int(generator.random() * len(legal))])
            pool.append(steps[-1][3])
        else:
            search = _Search(pool, reach)
            rest = next(search.solutions(search.all, target), None)
            if rest is not None:
                ordered = normal_form(numbers, [*steps, *rest])
                return to_expression(numbers, ordered) if form == "expression" else completion(ordered), True
    return None, False


def _results(a: int, b: int) -> list[tuple[int, str, int, int]]:
    """All equations of two numbers, with exact division."""
    a, b = max(a, b), min(a, b)
    found = [(a, "+", b, a + b), (a, "-", b, a - b), (b, "-", a, b - a), (a, "*", b, a * b)]
    return found + [(x, "/", y, x // y) for x, y in ((a, b), (b, a)) if y and x % y == 0]


Number = Any
"""An integer, or a fraction under ``division="rational"``."""


def _truncated(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _fraction(a: Number, b: Number) -> Number:
    value = Fraction(a) / b
    return value.numerator if value.denominator == 1 else value


_QUOTIENT: dict[str, Callable] = {"integer": _truncated, "rational": _fraction}
"""The quotient of each division but ``exact``, for a divisor that is not 0."""


class _Search:
    """The search for one puzzle, and its caches.

    A part of the numbers is an integer in mixed radix: digit i counts how often the part has the i-th distinct value.
    So removing one part from another is a subtraction. If all numbers are distinct, a part is a bit mask.
    """

    def __init__(self, numbers: Sequence[int], bound: int | None, division: str = "exact"):
        self.bound: Any = math.inf if bound is None else bound
        self.division = division
        self.half = (len(numbers) + 1) // 2
        self.groups, place = [], 1  # (value, count, place)
        for value, count in sorted(Counter(numbers).items()):
            self.groups.append((value, count, place))
            place *= count + 1
        self.all = place - 1
        self.singles = {place: value for value, _, place in self.groups}
        self.steps = self.kept = 0
        self.values = lru_cache(maxsize=None)(self._values)
        self.makes = lru_cache(maxsize=None)(self._makes)
        self.splits = lru_cache(maxsize=None)(self._splits)
        self.size = lru_cache(maxsize=None)(self._size)
        self._made: dict[tuple[int, Number], tuple[list, Iterator]] = {}

    def _count(self, steps: int, kept: int = 0) -> None:
        self.steps += steps
        self.kept += kept
        if self.steps > MAX_STEPS or self.kept > MAX_VALUES:
            raise LimitReached

    def parts(self) -> list[int]:
        """All parts, small ones first."""
        return sorted(range(1, self.all + 1), key=lambda part: (self.size(part), part))

    def numbers(self, part: int) -> list[int]:
        """The numbers of a part."""
        return [value for value, count, place in self.groups for _ in range(part // place % (count + 1))]

    def _size(self, part: int) -> int:
        return sum(part // place % (count + 1) for _, count, place in self.groups)

    def _splits(self, part: int) -> list[tuple[int, int]]:
        """All ways to split a part in two: (larger part, smaller part); of equal sizes the greater integer first."""
        digits = [range(0, (part // place % (count + 1) + 1) * place, place) for _, count, place in self.groups]
        pairs = ((left, part - left) for left in map(sum, itertools.product(*reversed(digits))))
        ordered = [pair for pair in pairs if pair[1] and (self.size(pair[0]), pair[0]) >= (self.size(pair[1]), pair[1])]
        return ordered[::-1]

    def _values(self, part: int) -> frozenset[Number]:
        """All values of a part within the bound."""
        if part in self.singles:
            return frozenset([self.singles[part]])
        found: set[Number] = set()
        for left, right in self.splits(part):
            large = self.values(left)
            for b in self.values(right):
                self._count(len(large))
                found.update([a + b for a in large], [a - b for a in large], [b - a for a in large])
                if not b:
                    found.add(0)
                    continue
                if math.isfinite(self.bound):
                    reach = self.bound // abs(b)
                    found.update([a * b for a in large if -reach <= a <= reach])
                else:
                    found.update([a * b for a in large])
                found.update(self._quotients(large, b))
        kept = frozenset(c for c in found if -self.bound <= c <= self.bound)
        self._count(0, len(kept))
        return kept

    def _quotients(self, large: Iterable[Number], b: Number) -> list[Number]:
        """All a/b and b/a, for b other than 0."""
        if self.division == "exact":
            return [a // b for a in large if not a % b] + [b // a for a in large if a and not b % a]
        quotient = _QUOTIENT[self.division]
        return [quotient(a, b) for a in large] + [quotient(b, a) for a in large if a]

    def _makes(self, part: int, value: Number) -> bool:
        """Whether a part has a value."""
        if self.size(part) <= self.half:
            return value in self.values(part)
        return any(True for _ in self._last_steps(part, value))

    def _last_steps(self, part: int, value: Number) -> Iterator[tuple[int, int, Equation]]:
        """All (part of a, part of b, equation ``a op b = value``) where the parts have the values a and b."""
        if abs(value) > self.bound:
            return
        if self.division == "integer":
            yield from self._last_steps_truncated(part, value)
            return
        exact = self.division == "exact"
        for left, right in self.splits(part):
            small = self.values(right)  # cheap, because the right part is the smaller one
            large = self.values(left) if self.size(left) <= self.half else None
            self._count(len(small))
            any_a = not value and 0 in small
            if large is not None and len(small) > 1 and not any_a and large.isdisjoint(_needed(small, value, exact)):
                continue
            for b in small:
                if b == value == 0:  # a*0 = 0 and 0/a = 0 for every a
                    for a in self.values(left):
                        yield left, right, (a, "*", 0, 0)
                        if a:
                            yield right, left, (0, "/", a, 0)
                for a, op, swapped in _partners(b, value, exact):
                    if a in large if large is not None else -self.bound <= a <= self.bound and self.makes(left, a):
                        if swapped:
                            yield right, left, (b, op, a, value)
                        else:
                            yield left, right, (a, op, b, value)

    def _last_steps_truncated(self, part: int, value: Number) -> Iterator[tuple[int, int, Equation]]:
        """As ``_last_steps``, with quotients truncated: many dividends have one quotient, so all pairs are tried."""
        for left, right in self.splits(part):
            large = self.values(left)
            for b in self.values(right):
                self._count(len(large))
                for a in large:
                    if a + b == value:
                        yield left, right, (a, "+", b, value)
                    if a - b == value:
                        yield left, right, (a, "-", b, value)
                    if b - a == value and a != b:
                        yield right, left, (b, "-", a, value)
                    if a * b == value:
                        yield left, right, (a, "*", b, value)
                    if b and _truncated(a, b) == value:
                        yield left, right, (a, "/", b, value)
                    if a and a != b and _truncated(b, a) == value:
                        yield right, left, (b, "/", a, value)

    def solutions(self, part: int, value: Number) -> Iterator[tuple[Equation, ...]]:
        """All solutions of ``part`` for ``value``: distinct multisets of equations, each sorted.

        The solutions of a part are cached as they are found, except those of the whole puzzle.
        """
        if part in self.singles:
            if value == self.singles[part]:
                yield ()
            return
        if part == self.all:
            yield from self._distinct(part, value)
            return
        if (part, value) not in self._made:
            self._made[part, value] = [], self._distinct(part, value)
        made, more = self._made[part, value]
        for i in itertools.count():
            if i == len(made):
                found = next(more, None)
                if found is None:
                    return
                made.append(found)
            yield made[i]

    def _distinct(self, part: int, value: Number) -> Iterator[tuple[Equation, ...]]:
        seen: set[tuple[Equation, ...]] = set()
        for left, right, (a, op, b, c) in self._last_steps(part, value):
            equation = (b, op, a, c) if op in "+*" and b > a else (a, op, b, c)
            for first in self.solutions(left, a):
                for second in self.solutions(right, b):
                    found = tuple(sorted((*first, *second, equation)))
                    if found not in seen:
                        seen.add(found)
                        yield found


def _needed(small: frozenset[Number], value: Number, exact: bool) -> list[Number]:
    """All operands that ``_partners`` finds for ``value`` and any b of ``small``."""
    found = [value - b for b in small] + [value + b for b in small] + [b - value for b in small]
    found += [value * b for b in small]
    if exact:
        found += [value // b for b in small if b and not value % b]
        return found + ([b // value for b in small if not b % value] if value else [])
    found += [_fraction(value, b) for b in small if b]
    return found + ([_fraction(b, value) for b in small] if value else [])


def _partners(b: Number, c: Number, exact: bool) -> list[tuple[Number, str, bool]]:
    """All (a, op, swapped) with ``a op b = c``, or ``b op a = c`` if swapped, except a*0 = 0 and 0/a = 0."""
    found: list[tuple[Number, str, bool]] = [(c - b, "+", False), (c + b, "-", False)]
    if c:  # c = 0 means a = b, and b-a is the same equation as a-b
        found.append((b - c, "-", True))
    if b:
        if not exact or c % b == 0:
            found.append((c // b if exact else _fraction(c, b), "*", False))
        found.append((c * b, "/", False))
        if c and c != 1 and (not exact or b % c == 0):  # c = 1 means a = b, and b/a is the same equation as a/b
            found.append((b // c if exact else _fraction(b, c), "/", True))
    return found
