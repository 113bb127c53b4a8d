"""Solve one puzzle exactly: list its solutions, or prove that it has none.

A solution is a binary tree over the given numbers. So the values of a part of the numbers (a multiset) are the results
of the ways to split the part in two. The solver first computes all values of parts with up to half of the numbers. Then
it searches from the target down: for larger parts it computes only the values that the target needs. The search is
complete, so finding nothing is a proof. Equal numbers are interchangeable, and the solutions of each part are computed
once.

This module is plain Python, because the demo must start quickly. ``labels`` and ``canonical`` solve many puzzles at
once, by compiled code.
"""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.puzzle import Equation, completion, normal_form

MAX_EXACT_NUMBERS = 8
"""Maximum count of numbers for an exact search."""
BOUND_FACTOR = 10
"""Bound on intermediate results, in multiples of V."""
REDUCED = 6
"""``find`` reduces larger puzzles to this count of numbers by random steps, then searches exactly."""


def default_bound(numbers: Sequence[int], target: int) -> int:
    """The bound on intermediate results for a typed puzzle: 600 as in the dataset, or more if its numbers exceed 60."""
    return BOUND_FACTOR * max(60, abs(target), *map(abs, numbers))


def solutions(numbers: Sequence[int], target: int, *, bound: int | None = None) -> Iterator[str]:
    """Iterate over all solutions of a puzzle.

    Args:
        numbers: 2 to MAX_EXACT_NUMBERS integers; they may repeat.
        target: the integer to reach.
        bound: upper bound on the absolute value of intermediate results and of the target (default:
            ``default_bound``).

    Returns:
        Completions in normal form, each once, in no particular order. Solutions that differ only in the order of
        commuting operands or of independent steps count as one. The iterator is empty if and only if no solution
        exists under the bound and exact division.

    Raises:
        InputError: fewer than 2 numbers, or more than MAX_EXACT_NUMBERS.
    """
    if not 2 <= len(numbers) <= MAX_EXACT_NUMBERS:
        raise InputError(f"exact solving needs 2 to {MAX_EXACT_NUMBERS} numbers; got {len(numbers)}")
    return _solutions(numbers, target, bound or default_bound(numbers, target))


def _solutions(numbers: Sequence[int], target: int, bound: int) -> Iterator[str]:
    search = _Search(numbers, bound)
    for equations in search.solutions(search.all, target):
        yield completion(normal_form(numbers, equations))


def find(
    numbers: Sequence[int], target: int, *, bound: int | None = None, tries: int = 1000, seed: int = 0
) -> tuple[str | None, bool]:
    """Find one solution of a puzzle quickly, also for more than MAX_EXACT_NUMBERS numbers.

    The search is exact for up to MAX_EXACT_NUMBERS numbers, and for more numbers if they repeat so often that they have
    no more parts than that. Otherwise each try combines random pairs, with small results, until REDUCED numbers are
    left, and then searches exactly.

    Args:
        numbers: at least 2 integers; they may repeat.
        target, bound: as for ``solutions``.
        tries: maximum number of tries; one takes 0.1 to 3 ms.
        seed: seed of the random steps. The result depends only on the arguments.

    Returns:
        (solution in normal form or None, proved). ``(None, True)`` means that no solution exists under the bound.
        ``(None, False)`` means that no try found one.

    Raises:
        InputError: fewer than 2 numbers.
    """
    if len(numbers) < 2:
        raise InputError(f"a puzzle needs at least 2 numbers; got {len(numbers)}")
    bound = bound or default_bound(numbers, target)
    parts = math.prod(count + 1 for count in Counter(numbers).values())
    if parts <= 1 << MAX_EXACT_NUMBERS:
        return next(_solutions(numbers, target, bound), None), True
    generator = random.Random(seed)
    small = max(60, abs(target), *map(abs, numbers))
    for _ in range(tries):
        pool, steps = list(numbers), []
        while len(pool) > REDUCED:
            a, b = (pool.pop(int(generator.random() * len(pool))) for _ in range(2))
            legal = [step for step in _results(a, b) if abs(step[3]) <= min(small, bound)]
            if not legal:
                break
            steps.append(legal[int(generator.random() * len(legal))])
            pool.append(steps[-1][3])
        else:
            search = _Search(pool, bound)
            rest = next(search.solutions(search.all, target), None)
            if rest is not None:
                return completion(normal_form(numbers, [*steps, *rest])), True
    return None, False


def _results(a: int, b: int) -> list[Equation]:
    """All equations of two numbers, with exact division."""
    a, b = max(a, b), min(a, b)
    found = [(a, "+", b, a + b), (a, "-", b, a - b), (b, "-", a, b - a), (a, "*", b, a * b)]
    return found + [(x, "/", y, x // y) for x, y in ((a, b), (b, a)) if y and x % y == 0]


class _Search:
    """The search for one puzzle, and its caches.

    A part of the numbers is an integer in mixed radix: digit i counts how often the part has the i-th distinct value.
    So removing one part from another is a subtraction. If all numbers are distinct, a part is a bit mask.
    """

    def __init__(self, numbers: Sequence[int], bound: int):
        self.bound = bound
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
        self._made: dict[tuple[int, int], tuple[list, Iterator]] = {}

    def _size(self, part: int) -> int:
        return sum(part // place % (count + 1) for _, count, place in self.groups)

    def _splits(self, part: int) -> list[tuple[int, int]]:
        """All ways to split a part in two: (larger part, smaller part); of equal sizes the greater integer first."""
        digits = [range(0, (part // place % (count + 1) + 1) * place, place) for _, count, place in self.groups]
        pairs = ((left, part - left) for left in map(sum, itertools.product(*reversed(digits))))
        ordered = [pair for pair in pairs if pair[1] and (self.size(pair[0]), pair[0]) >= (self.size(pair[1]), pair[1])]
        return ordered[::-1]

    def _values(self, part: int) -> frozenset[int]:
        """All values of a part within the bound."""
        if part in self.singles:
            return frozenset([self.singles[part]])
        found: set[int] = set()
        for left, right in self.splits(part):
            large = self.values(left)
            for b in self.values(right):
                found.update([a + b for a in large], [a - b for a in large], [b - a for a in large])
                if not b:
                    found.add(0)
                    continue
                reach = self.bound // abs(b)
                found.update([a * b for a in large if -reach <= a <= reach], [a // b for a in large if not a % b])
                found.update([b // a for a in large if a and not b % a])
        return frozenset(c for c in found if -self.bound <= c <= self.bound)

    def _makes(self, part: int, value: int) -> bool:
        """Whether a part has a value."""
        if self.size(part) <= self.half:
            return value in self.values(part)
        return any(True for _ in self._last_steps(part, value))

    def _last_steps(self, part: int, value: int) -> Iterator[tuple[int, int, Equation]]:
        """All (part of a, part of b, equation ``a op b = value``) where the parts have the values a and b."""
        if abs(value) > self.bound:
            return
        for left, right in self.splits(part):
            small = self.values(right)  # cheap, because the right part is the smaller one
            large = self.values(left) if self.size(left) <= self.half else None
            any_a = not value and 0 in small
            if large is not None and len(small) > 1 and not any_a and large.isdisjoint(_needed(small, value)):
                continue
            for b in small:
                if b == value == 0:  # a*0 = 0 and 0/a = 0 for every a
                    for a in self.values(left):
                        yield left, right, (a, "*", 0, 0)
                        if a:
                            yield right, left, (0, "/", a, 0)
                for a, op, swapped in _partners(b, value):
                    if a in large if large is not None else -self.bound <= a <= self.bound and self.makes(left, a):
                        if swapped:
                            yield right, left, (b, op, a, value)
                        else:
                            yield left, right, (a, op, b, value)

    def solutions(self, part: int, value: int) -> Iterator[tuple[Equation, ...]]:
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

    def _distinct(self, part: int, value: int) -> Iterator[tuple[Equation, ...]]:
        seen: set[tuple[Equation, ...]] = set()
        for left, right, (a, op, b, c) in self._last_steps(part, value):
            equation = (b, op, a, c) if op in "+*" and b > a else (a, op, b, c)
            for first in self.solutions(left, a):
                for second in self.solutions(right, b):
                    found = tuple(sorted((*first, *second, equation)))
                    if found not in seen:
                        seen.add(found)
                        yield found


def _needed(small: frozenset[int], value: int) -> list[int]:
    """All operands that ``_partners`` finds for ``value`` and any b of ``small``."""
    found = [value - b for b in small] + [value + b for b in small] + [b - value for b in small]
    found += [value // b for b in small if b and not value % b]
    if value:
        found += [b // value for b in small if not b % value]
    return found + [value * b for b in small]


def _partners(b: int, c: int) -> list[tuple[int, str, bool]]:
    """All (a, op, swapped) with ``a op b = c``, or ``b op a = c`` if swapped, except a*0 = 0 and 0/a = 0."""
    found = [(c - b, "+", False), (c + b, "-", False)]
    if c:  # c = 0 means a = b, and b-a is the same equation as a-b
        found.append((b - c, "-", True))
    if b:
        if c % b == 0:
            found.append((c // b, "*", False))
        found.append((c * b, "/", False))
        if c and b % c == 0 and c != 1:  # c = 1 means a = b, and b/a is the same equation as a/b
            found.append((b // c, "/", True))
    return found
