"""Exact solving: reachable values of every subset of the numbers, then solutions read off from the target down.

A solution is a binary tree over the given numbers, so the values that a subset can make are the
results of its splits in two. Sets are built for subsets of up to half of the numbers; larger ones are
asked only for the values that the target needs. An answer "none" is therefore a proof.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numba import njit

from dataset_builder.errors import InputError
from dataset_builder.puzzle import Equation, completion, normal_form

MAX_EXACT_NUMBERS = 8
BOUND_FACTOR = 10


def default_bound(numbers: Sequence[int], target: int) -> int:
    """The bound on |intermediate| for a puzzle that was typed in: that of the dataset's V=60, or of its own V."""
    return BOUND_FACTOR * max(60, abs(target), *map(abs, numbers))


def solutions(numbers: Sequence[int], target: int, *, bound: int | None = None) -> Iterator[str]:
    """All solutions of a puzzle, each once, as completions in normal form, in no stated order.

    Args:
        numbers: 2 to MAX_EXACT_NUMBERS integers, a multiset.
        target: the integer to reach.
        bound: the largest |intermediate| allowed; default ``default_bound``.

    Returns:
        Solutions, distinct up to commuting operands and reordering independent steps. Nothing is
        yielded if and only if there is none under the bound and exact division.

    Raises:
        InputError: too many numbers for an exact search.
    """
    if not 2 <= len(numbers) <= MAX_EXACT_NUMBERS:
        raise InputError(f"exact solving takes 2 to {MAX_EXACT_NUMBERS} numbers; got {len(numbers)}")
    numbers = sorted(numbers)
    return _distinct(numbers, target, bound or default_bound(numbers, target))


def _distinct(numbers: list[int], target: int, bound: int) -> Iterator[str]:
    seen = set()
    search = _Search(numbers, bound)
    for tree in search.trees((1 << len(numbers)) - 1, target):
        text = completion(normal_form(numbers, tree))
        if text not in seen:
            seen.add(text)
            yield text


def reachable(numbers: Sequence[int], *, bound: int) -> set[int]:
    """Every target that ``numbers`` can reach under ``bound``. For up to 6 numbers in well under a second."""
    return set(_Search(sorted(numbers), bound).values((1 << len(numbers)) - 1))


class _Search:
    def __init__(self, numbers: list[int], bound: int):
        self.numbers, self.bound = numbers, bound
        self.half = (len(numbers) + 1) // 2
        self.values = lru_cache(maxsize=None)(self._values)
        self.makes = lru_cache(maxsize=None)(self._makes)

    def _values(self, mask: int) -> frozenset[int]:
        if mask.bit_count() == 1:
            return frozenset([self.numbers[mask.bit_length() - 1]])
        found = set()
        for left, right in _splits(mask):
            small = self.values(right)
            for a in self.values(left):
                for b in small:
                    found.update((a + b, a - b, b - a, a * b))
                    if b and a % b == 0:
                        found.add(a // b)
                    if a and b % a == 0:
                        found.add(b // a)
        return frozenset(c for c in found if -self.bound <= c <= self.bound)

    def _makes(self, mask: int, value: int) -> bool:
        """Can ``mask`` make ``value``?"""
        if mask.bit_count() <= self.half:
            return value in self.values(mask)
        return any(True for _ in self._last_steps(mask, value))

    def _last_steps(self, mask: int, value: int) -> Iterator[tuple[int, int, Equation]]:
        """Each (mask of a, mask of b, equation) that ends in ``value`` with a and b both makeable."""
        if abs(value) > self.bound:
            return
        for left, right in _splits(mask):
            for b in self.values(right):  # the smaller side, so its set exists or is cheap
                if b == 0 and value == 0:  # a*0 = 0 and 0/a = 0 whatever a
                    for a in self.values(left):
                        yield left, right, (a, "*", 0, 0)
                        if a:
                            yield right, left, (0, "/", a, 0)
                for a, op, swapped in _partners(b, value):
                    if abs(a) <= self.bound and self.makes(left, a):
                        if swapped:
                            yield right, left, (b, op, a, value)
                        else:
                            yield left, right, (a, op, b, value)

    def trees(self, mask: int, value: int) -> Iterator[list[Equation]]:
        if mask.bit_count() == 1:
            if value == self.numbers[mask.bit_length() - 1]:
                yield []
            return
        for left, right, equation in self._last_steps(mask, value):
            for first in self.trees(left, equation[0]):
                for second in self.trees(right, equation[2]):
                    yield [*first, *second, equation]


def _splits(mask: int) -> Iterator[tuple[int, int]]:
    """Every way to split a subset in two, the larger part (the one with the highest bit, if equal) first."""
    size, part = mask.bit_count(), (mask - 1) & mask
    while part:
        rest = mask ^ part
        if 2 * part.bit_count() > size or (2 * part.bit_count() == size and part > rest):
            yield part, rest
        part = (part - 1) & mask


def _partners(b: int, c: int) -> list[tuple[int, str, bool]]:
    """(a, op, swapped): every a with ``a op b = c``, or ``b op a = c`` where swapped, but for b = c = 0."""
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


@njit(cache=True, nogil=True)
def apply_move(a, b, move):
    """The six moves on two numbers, ``a+b a-b b-a a*b a/b b/a``: (result, whether it is legal)."""
    if move == 0:
        return a + b, True
    if move == 1:
        return a - b, True
    if move == 2:
        return b - a, True
    if move == 3:
        return a * b, True
    if move == 5:
        a, b = b, a
    if b == 0 or a % b != 0:
        return 0, False
    return a // b, True


@njit(cache=True, nogil=True)
def _replace_pair(pool, m, i, j, c, rest):
    """``rest`` = ``pool`` (descending, m long) without positions i and j, and with c in its place."""
    k = 0
    placed = False
    for q in range(m):
        if q in (i, j):
            continue
        if not placed and c >= pool[q]:
            rest[k] = c
            k += 1
            placed = True
        rest[k] = pool[q]
        k += 1
    if not placed:
        rest[k] = c


@njit(cache=True, nogil=True)
def _canonical_rows(numbers, targets, bound, equations, found):
    """Depth first in the documented order, strict improvement only: of equals the first is kept.

    A loop over explicit stacks: numba's cache breaks on functions that call themselves.
    """
    n = numbers.shape[1]
    pools = np.zeros((n, n), np.int64)
    state = np.zeros(n, np.int64)  # next (i, j, op) to try at each depth
    worst = np.zeros(n, np.int64)
    total = np.zeros(n, np.int64)
    path = np.zeros((n - 1, 4), np.int64)
    for row in range(numbers.shape[0]):
        target = targets[row]
        best_worst = best_total = np.iinfo(np.int64).max
        pools[0] = np.sort(numbers[row])[::-1]
        depth = 0
        state[0] = 0
        while depth >= 0:
            m = n - depth
            if state[depth] == 4 * m * m:
                depth -= 1
                continue
            i, j, op = state[depth] // (4 * m), state[depth] // 4 % m, state[depth] % 4
            pool = pools[depth]
            if i == j or (i > 0 and pool[i] == pool[i - 1]) or (j > 0 and pool[j] == pool[j - 1] and j - 1 != i):
                state[depth] += 4 - op  # the same values were tried before
                continue
            state[depth] += 1
            a, b = pool[i], pool[j]
            if op == 1:
                c = a - b
            elif op == 3:
                if b == 0:
                    continue
                c = a // b
                if c * b != a:
                    continue
            elif i > j:
                continue  # + and * with the smaller operand first
            else:
                c = a + b if op == 0 else a * b
            if m > 2 and (c > bound or c < -bound):
                continue
            path[depth, 0], path[depth, 1], path[depth, 2], path[depth, 3] = a, op, b, c
            if m == 2:
                if c == target and (worst[depth], total[depth]) < (best_worst, best_total):
                    best_worst, best_total = worst[depth], total[depth]
                    equations[row] = path
                    found[row] = True
                continue
            new_worst, new_total = max(worst[depth], abs(c)), total[depth] + abs(c)
            if (new_worst, new_total) >= (best_worst, best_total):
                continue
            depth += 1
            _replace_pair(pool, m, i, j, c, pools[depth])
            state[depth], worst[depth], total[depth] = 0, new_worst, new_total


def canonical(numbers: np.ndarray, targets: np.ndarray, bound: int) -> tuple[np.ndarray, np.ndarray]:
    """The canonical solution of each puzzle, in normal form.

    Of all solutions the one with the least largest |intermediate|, then the least sum of
    |intermediates|, then the first in the order of ``puzzle.normal_form``. Intermediates are the
    results of all equations but the last.

    Args:
        numbers: integers, shape (rows, n); targets: integers, shape (rows,); bound: on |intermediate|.

    Returns:
        equations, int64 (rows, n-1, 4): a, operator index in ``+-*/``, b, c; found, bool (rows,).
    """
    numbers = np.ascontiguousarray(numbers, dtype=np.int64)
    equations = np.zeros((len(numbers), numbers.shape[1] - 1, 4), dtype=np.int64)
    found = np.zeros(len(numbers), dtype=np.bool_)
    _canonical_rows(numbers, np.ascontiguousarray(targets, dtype=np.int64), bound, equations, found)
    return equations, found


@njit(cache=True, nogil=True)
def _count_playouts(numbers, target, bound):
    n = len(numbers)
    pools = np.zeros((n, n), np.int64)
    pools[0] = np.sort(numbers)[::-1]
    state = np.zeros(n, np.int64)
    hits = legal = 0
    depth = 0
    while depth >= 0:
        m = n - depth
        if state[depth] == 6 * m * m:
            depth -= 1
            continue
        i, j, move = state[depth] // (6 * m), state[depth] // 6 % m, state[depth] % 6
        state[depth] += 1
        if i >= j:
            continue
        c, ok = apply_move(pools[depth, i], pools[depth, j], move)
        if not ok or c > bound or c < -bound:
            continue
        if m == 2:
            legal += 1
            hits += c == target
            continue
        depth += 1
        _replace_pair(pools[depth - 1], m, i, j, c, pools[depth])
        state[depth] = 0
    return hits, legal


def difficulty(numbers: Sequence[int], target: int, bound: int) -> float:
    """How much luck a blind player needs: -log10 of the share of all legal play-outs that reach the target.

    A play-out takes any two numbers of the pool and one of ``a+b a-b b-a a*b a/b b/a`` (division exact,
    result within ``bound``) until one number is left; all play-outs count alike. 0 means that every
    play-out wins, 3 that one in a thousand does, inf that none does.
    """
    hits, legal = _count_playouts(np.array(numbers, dtype=np.int64), target, bound)
    return math.inf if hits == 0 else -math.log10(hits / legal)
