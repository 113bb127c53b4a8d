"""Exact solving of one puzzle: values of the smaller parts of the numbers, then solutions from the target down.

A solution is a binary tree over the given numbers, so what a part of the numbers can make are the
results of its splits in two. Sets of values are built for parts of up to half of the numbers; larger
parts are asked only for the values that the target needs. An answer "none" is therefore a proof.
Equal numbers are one: parts are multisets, and a part's solutions for a value are made once.

Plain Python, because the demo starts cold; columns of many puzzles are the business of ``labels`` and
``canonical``.
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
BOUND_FACTOR = 10
REDUCED = 6
"""``find`` brings more than MAX_EXACT_NUMBERS numbers down to this many before it searches exactly."""


def default_bound(numbers: Sequence[int], target: int) -> int:
    """The bound on |intermediate| for a puzzle that was typed in: that of the dataset's V=60, or of its own V."""
    return BOUND_FACTOR * max(60, abs(target), *map(abs, numbers))


def solutions(numbers: Sequence[int], target: int, *, bound: int | None = None) -> Iterator[str]:
    """All solutions of a puzzle, each once, as completions in normal form, in no stated order, one by one.

    Args:
        numbers: 2 to MAX_EXACT_NUMBERS integers, a multiset.
        target: the integer to reach.
        bound: the largest |intermediate| and |target| allowed; default ``default_bound``.

    Returns:
        Solutions, distinct up to commuting operands and reordering independent steps. Nothing is
        yielded if and only if there is none under the bound and exact division.

    Raises:
        InputError: too many numbers for an exact search.
    """
    if not 2 <= len(numbers) <= MAX_EXACT_NUMBERS:
        raise InputError(f"exact solving takes 2 to {MAX_EXACT_NUMBERS} numbers; got {len(numbers)}")
    return _solutions(numbers, target, bound or default_bound(numbers, target))


def _solutions(numbers: Sequence[int], target: int, bound: int) -> Iterator[str]:
    search = _Search(numbers, bound)
    for equations in search.solutions(search.all, target):
        yield completion(normal_form(numbers, equations))


def find(
    numbers: Sequence[int], target: int, *, bound: int | None = None, tries: int = 1000, seed: int = 0
) -> tuple[str | None, bool]:
    """Any solution of a puzzle with up to 15 numbers or more, fast.

    Up to MAX_EXACT_NUMBERS numbers, or more that repeat so much that they have no more parts than
    these, the search is exact. Otherwise each try joins random pairs by random steps with small results
    until REDUCED numbers are left, and searches these exactly.

    Args:
        tries: the limit; a try takes 0.1 to 3 ms.
        seed: of the random steps. The answer depends on the arguments alone, never on a clock.

    Returns:
        (solution in normal form or None, proved). ``(None, True)``: there is none under the bound.
        ``(None, False)``: none was found within the limit.

    Raises:
        InputError: fewer than 2 numbers.
    """
    if len(numbers) < 2:
        raise InputError(f"a puzzle has at least 2 numbers; got {len(numbers)}")
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
    a, b = max(a, b), min(a, b)
    found = [(a, "+", b, a + b), (a, "-", b, a - b), (b, "-", a, b - a), (a, "*", b, a * b)]
    return found + [(x, "/", y, x // y) for x, y in ((a, b), (b, a)) if y and x % y == 0]


class _Search:
    """A part of the numbers is an integer in a mixed radix: digit i says how many of the i-th distinct value it has.

    Hence a part less a part of it is a plain difference, and with distinct numbers a part is a bit mask.
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
        """Every way to split a part in two: the larger one (of equals the greater integer) first."""
        digits = [range(0, (part // place % (count + 1) + 1) * place, place) for _, count, place in self.groups]
        pairs = ((left, part - left) for left in map(sum, itertools.product(*reversed(digits))))
        ordered = [pair for pair in pairs if pair[1] and (self.size(pair[0]), pair[0]) >= (self.size(pair[1]), pair[1])]
        return ordered[::-1]

    def _values(self, part: int) -> frozenset[int]:
        if part in self.singles:
            return frozenset([self.singles[part]])
        found = set()
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
        """Can ``part`` make ``value``?"""
        if self.size(part) <= self.half:
            return value in self.values(part)
        return any(True for _ in self._last_steps(part, value))

    def _last_steps(self, part: int, value: int) -> Iterator[tuple[int, int, Equation]]:
        """Each (part of a, part of b, equation) that ends in ``value`` with a and b both makeable."""
        if abs(value) > self.bound:
            return
        for left, right in self.splits(part):
            small = self.values(right)  # the smaller side, so its set exists or is cheap
            large = self.values(left) if self.size(left) <= self.half else None
            any_a = not value and 0 in small
            if large is not None and len(small) > 1 and not any_a and large.isdisjoint(_needed(small, value)):
                continue
            for b in small:
                if b == value == 0:  # a*0 = 0 and 0/a = 0 whatever a
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
        """The distinct multisets of equations by which ``part`` makes ``value``, each sorted.

        Those of a part that is not the whole are kept: equal ones need making once only.
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
        seen = set()
        for left, right, (a, op, b, c) in self._last_steps(part, value):
            equation = (b, op, a, c) if op in "+*" and b > a else (a, op, b, c)
            for first in self.solutions(left, a):
                for second in self.solutions(right, b):
                    found = tuple(sorted((*first, *second, equation)))
                    if found not in seen:
                        seen.add(found)
                        yield found


def _needed(small: frozenset[int], value: int) -> list[int]:
    """All that ``_partners`` gives for ``value`` and the values of ``small``, without saying how."""
    found = [value - b for b in small] + [value + b for b in small] + [b - value for b in small]
    found += [value // b for b in small if b and not value % b]
    if value:
        found += [b // value for b in small if not b % value]
    return found + [value * b for b in small]


def _partners(b: int, c: int) -> list[tuple[int, str, bool]]:
    """(a, op, swapped): every a with ``a op b = c``, or ``b op a = c`` where swapped; not a*0 = 0 and 0/a = 0."""
    found = [(c - b, "+", False), (c + b, "-", False)]
    if c:  # else a = b, and b-a is a-b again
        found.append((b - c, "-", True))
    if b:
        if c % b == 0:
            found.append((c // b, "*", False))
        found.append((c * b, "/", False))
        if c and b % c == 0 and c != 1:  # c = 1 means a = b, the same equation
            found.append((b // c, "/", True))
    return found
