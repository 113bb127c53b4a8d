"""`Search`: which values each part of the numbers of one puzzle can make, and by which equations, within a budget.

``solve`` has the functions to call, and says how the search works.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.puzzle import OPERATORS
from arith_puzzle.metrics.arith_puzzle_verifier.verify import Equation

MAX_STEPS = 20_000_000
"""Limit of one call, in steps: about ten seconds. A step is one pair of integers that is examined."""
MAX_VALUES = 3_000_000
"""Limit of one call, in values and equations that are kept: below a gigabyte."""
SLOWER = {"exact": 1, "integer": 1, "rational": 8}
"""Steps for which a pair of values counts: fractions take longer."""


STEPS_BACK = 5
"""Steps for which one value counts where the search works back from a result."""


class LimitReached(Exception):
    """The search reached MAX_STEPS or MAX_VALUES before it was complete."""


class Budget:
    """What all searches of one call may still spend."""

    def __init__(self) -> None:
        self.steps, self.values = MAX_STEPS, MAX_VALUES

    def spend(self, steps: int, values: int = 0) -> None:
        """Raise LimitReached if there is not enough left."""
        self.steps -= steps
        self.values -= values
        if self.steps < 0 or self.values < 0:
            raise LimitReached


def check_operations(operations: Collection[str]) -> None:
    """Raise InputError unless there is an operation, and each is one of ``+ - * /``."""
    given = list(operations)
    if not given or not set(given) <= set(OPERATORS):
        raise InputError(f"operations are some of {' '.join(OPERATORS)}, such as +-*; got {''.join(given)!r}")


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


class Search:
    """The search for one puzzle, and its caches.

    A part of the numbers is an integer in mixed radix: digit i counts how often the part has the i-th distinct value.
    So removing one part from another is a subtraction. If all numbers are distinct, a part is a bit mask.
    """

    def __init__(
        self,
        numbers: Sequence[int],
        bound: Number | None,
        division: str = "exact",
        operations: Collection[str] = OPERATORS,
        budget: Budget | None = None,
    ):
        """``bound`` limits all results but the last; None: no limit."""
        self.bound: Any = math.inf if bound is None else bound
        self.division, self.operations = division, frozenset(operations)
        self.budget, self.slower = budget or Budget(), SLOWER[division]
        self.half = (len(numbers) + 1) // 2
        self.groups, place = [], 1  # (value, count, place)
        for value, count in sorted(Counter(numbers).items()):
            self.groups.append((value, count, place))
            place *= count + 1
        self.all = place - 1
        self.singles = {place: value for value, _, place in self.groups}
        self.values = lru_cache(maxsize=None)(self._values)
        self.makes = lru_cache(maxsize=None)(self._makes)
        self.splits = lru_cache(maxsize=None)(self._splits)
        self.size = lru_cache(maxsize=None)(self._size)
        self._made: dict[tuple[int, Number], tuple[list, Iterator]] = {}

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
                self.budget.spend(len(large) * self.slower)
                if "+" in self.operations:
                    found.update([a + b for a in large])
                if "-" in self.operations:
                    found.update([a - b for a in large], [b - a for a in large])
                if "*" in self.operations:
                    reach = self.bound // abs(b) if b and math.isfinite(self.bound) else math.inf
                    found.update([a * b for a in large if -reach <= a <= reach])
                if "/" in self.operations:
                    found.update(self._quotients(large, b))
                if len(found) > self.budget.values:
                    raise LimitReached
        kept = frozenset(c for c in found if -self.bound <= c <= self.bound)
        self.budget.spend(0, len(kept))
        return kept

    def _quotients(self, large: Iterable[Number], b: Number) -> list[Number]:
        """All a/b and b/a."""
        if not b:
            return [0 for a in large if a][:1]
        if self.division == "exact":
            return [a // b for a in large if not a % b] + [b // a for a in large if a and not b % a]
        quotient = _QUOTIENT[self.division]
        return [quotient(a, b) for a in large] + [quotient(b, a) for a in large if a]

    def _makes(self, part: int, value: Number) -> bool:
        """Whether a part has a value within the bound."""
        self.budget.spend(0, 1)
        if self.size(part) <= self.half:
            return value in self.values(part)
        return any(True for _ in self.last_steps(part, value))

    def last_steps(self, part: int, value: Number) -> Iterator[tuple[int, int, Equation]]:
        """All (part of a, part of b, equation ``a op b = value``) where the parts have the values a and b."""
        if self.division == "integer":
            yield from self._last_steps_truncated(part, value)
            return
        exact = self.division == "exact"
        for left, right in self.splits(part):
            small = self.values(right)  # cheap, because the right part is the smaller one
            large = self.values(left) if self.size(left) <= self.half else None
            self.budget.spend(STEPS_BACK * len(small) * self.slower)
            any_a = not value and 0 in small
            if large is not None and len(small) > 1 and not any_a and large.isdisjoint(_needed(small, value, exact)):
                continue
            for b in small:
                if b == value == 0:  # a*0 = 0 and 0/a = 0 for every a
                    for a in self.values(left):
                        if "*" in self.operations:
                            yield left, right, (a, "*", 0, 0)
                        if a and "/" in self.operations:
                            yield right, left, (0, "/", a, 0)
                for a, op, swapped in _partners(b, value, exact):
                    if op not in self.operations:
                        continue
                    if a in large if large is not None else -self.bound <= a <= self.bound and self.makes(left, a):
                        if swapped:
                            yield right, left, (b, op, a, value)
                        else:
                            yield left, right, (a, op, b, value)

    def _last_steps_truncated(self, part: int, value: Number) -> Iterator[tuple[int, int, Equation]]:
        """As ``last_steps``, with quotients truncated: many dividends have one quotient, so all pairs are tried."""
        ops = self.operations
        for left, right in self.splits(part):
            large = self.values(left)
            for b in self.values(right):
                self.budget.spend(3 * len(large))
                for a in large:
                    if a + b == value and "+" in ops:
                        yield left, right, (a, "+", b, value)
                    if a - b == value and "-" in ops:
                        yield left, right, (a, "-", b, value)
                    if b - a == value and a != b and "-" in ops:
                        yield right, left, (b, "-", a, value)
                    if a * b == value and "*" in ops:
                        yield left, right, (a, "*", b, value)
                    if "/" in ops:
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
        for left, right, (a, op, b, c) in self.last_steps(part, value):
            equation = (b, op, a, c) if op in "+*" and b > a else (a, op, b, c)
            for first in self.solutions(left, a):
                for second in self.solutions(right, b):
                    self.budget.spend(2 * STEPS_BACK * self.slower)
                    found = tuple(sorted((*first, *second, equation)))
                    if found not in seen:
                        self.budget.spend(0, len(found))
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
