"""Exact labels for N up to 8: the number of solutions, the difficulty, and all targets that can be reached.

All three use one dynamic program. For every subset of the numbers and every value within the bound, a table contains
the number of ways in which the subset gives the value. The ways of a subset follow from those of its splits in two.
Sums and differences are convolutions; products and quotients iterate over multiples and divisors. For the whole set,
only the ways to the target are counted.

There are two kinds of ways:

- **Trees** (``count_solutions``) are expression trees over the given numbers. Equal numbers are different leaves.
  Swapping the operands of + or * gives the same tree. If a = b, a-b and b-a are the same tree, and so are a/b and b/a.
  Each tree has one completion (``puzzle.normal_form``), and each completion belongs to at least one tree. It belongs to
  several if a step could take either of two equal numbers: given numbers that repeat, or a result that equals another
  number.
- **Play-outs** (``difficulty``) are sequences of moves. A move takes any two numbers of the pool and one of
  ``a+b a-b b-a a*b a/b b/a``, with exact division and a result within the bound. The order of independent moves counts:
  the moves of two subsets with p and q moves interleave in binomial(p+q, p) ways.

Counts are float64. They are exact, because they stay below 2^53: 8 numbers have fewer than 4.5e11 play-outs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numba import njit

from arith_puzzle.common.errors import InputError

MAX_NUMBERS = 8
MAX_CELLS = 1 << 27
"""Maximum size of a table, 2^n (2 bound + 1) values of float64; this maximum is 1 GiB."""


@njit(cache=True, nogil=True)
def apply_move(a, b, move):
    """Apply one of the six moves ``a+b a-b b-a a*b a/b b/a`` (0 to 5). Return (result, whether the move is legal)."""
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


@lru_cache(maxsize=8)
def divisors(limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (start, items), int64: the positive divisors of v (1..limit) are ``items[start[v] : start[v + 1]]``."""
    d = np.arange(1, limit + 1)
    counts = limit // d  # number of multiples of each d
    each = np.repeat(d, counts)
    multiples = each * (1 + np.arange(len(each)) - np.repeat(np.cumsum(counts) - counts, counts))
    items = each[np.argsort(multiples, kind="stable")]
    return np.concatenate([[0], np.cumsum(np.bincount(multiples, minlength=limit + 1))]), items


@njit(cache=True, nogil=True)
def _convolve(large, small, values, factor, sums, differences, bound):
    """Add ``factor * large[a] * small[b]`` to ``sums[a + b]`` and ``differences[a - b]``, for every a and b."""
    width = 2 * bound + 1
    for b in values:
        w = factor * small[b + bound]
        low, high = max(0, -b), min(width, width - b)
        out, source = sums[low + b : high + b], large[low:high]
        for i in range(high - low):
            out[i] += w * source[i]
        low, high = max(0, b), min(width, width + b)
        out, source = differences[low - b : high - b], large[low:high]
        for i in range(high - low):
            out[i] += w * source[i]


@njit(cache=True, nogil=True)
def _convolve_sparse(large, larges, small, values, factor, sums, differences, bound):
    """As ``_convolve``, but only for the values ``larges`` of a that occur."""
    for b in values:
        w = factor * small[b + bound]
        for a in larges:
            if -bound <= a + b <= bound:
                sums[a + b + bound] += w * large[a + bound]
            if -bound <= a - b <= bound:
                differences[a - b + bound] += w * large[a + bound]


@njit(cache=True, nogil=True)
def _multiply_divide(large, total, small, values, factor, out, bound, start, items):
    """Add the ways of ``a*b``, ``a/b`` and ``b/a`` to ``out``, with a from ``large`` and b from ``small``."""
    for b in values:
        w = factor * small[b + bound]
        if b == 0:  # a*0 for every a, and 0/a for every a except 0
            out[bound] += w * (2.0 * total - large[bound])
            continue
        reach = bound // abs(b)
        for k in range(-reach, reach + 1):
            out[k * b + bound] += w * large[k + bound]
            out[k + bound] += w * large[k * b + bound]
        for d in items[start[abs(b)] : start[abs(b) + 1]]:
            q = b // d
            out[q + bound] += w * large[d + bound]
            out[-q + bound] += w * large[-d + bound]


@njit(cache=True, nogil=True)
def _twins(large, small, values, out, bound):
    """Subtract the ways of ``a-a`` and ``a/a`` once, because the moves count them twice."""
    for b in values:
        w = small[b + bound] * large[b + bound]
        out[bound] -= w
        if b != 0:
            out[bound + 1] -= w


@njit(cache=True, nogil=True)
def _ways_to(target, large, total, small, values, trees, bound):
    """The number of ways to reach ``target`` from a value of ``large`` and a value of ``small``."""
    ways = 0.0
    for b in values:
        found = 0.0
        if -bound <= target - b <= bound:
            found += large[target - b + bound]
            found += large[b - target + bound]
        if -bound <= target + b <= bound:
            found += large[target + b + bound]
        if b == 0:
            if target == 0:
                found += 2.0 * total - large[bound]
        else:
            if target % b == 0:
                found += large[target // b + bound]
            if -bound <= target * b <= bound:
                found += large[target * b + bound]
            if target != 0 and b % target == 0:
                found += large[b // target + bound]
        if trees and (target == 0 or (target == 1 and b != 0)):
            found -= large[b + bound]
        ways += small[b + bound] * found
    return ways


@njit(cache=True, nogil=True)
def _legal(large, before, small, values, bound, start, items):
    """The number of legal moves on a value of ``large`` and one of ``small``; ``before[i]`` is ``large[:i].sum()``."""
    width = 2 * bound + 1
    total = before[width]
    moves = 0.0
    for b in values:
        far = abs(b)
        cut = before[width - far] if b >= 0 else total - before[far]  # |a + b| <= bound
        other = total - before[far] if b >= 0 else before[width - far]  # |a - b| <= bound
        found = cut + 2.0 * other
        if b == 0:
            found += 2.0 * total - large[bound]
        else:
            reach = bound // far
            found += before[bound + reach + 1] - before[bound - reach]
            for a in range(-reach * far, reach * far + 1, far):
                found += large[a + bound]
            for d in items[start[far] : start[far + 1]]:
                found += large[d + bound] + large[-d + bound]
        moves += small[b + bound] * found
    return moves


@njit(cache=True, nogil=True)
def _fill(mask, size, ways, total, lists, counts, choose, trees, bound, start, items, differences):
    """Fill ``ways[mask]`` from the subsets of ``mask``, then the total of its ways and the list of its values."""
    width = 2 * bound + 1
    out = ways[mask]
    for i in range(width):
        out[i] = differences[i] = 0.0
    part = (mask - 1) & mask
    while part:
        rest = mask ^ part
        if size[part] > size[rest] or (size[part] == size[rest] and part > rest):
            large, small, values = ways[part], ways[rest], lists[rest, : counts[rest]]
            factor = 1.0 if trees else choose[size[mask] - 2, size[rest] - 1]
            if 8 * counts[part] < width:
                _convolve_sparse(large, lists[part, : counts[part]], small, values, factor, out, differences, bound)
            else:
                _convolve(large, small, values, factor, out, differences, bound)
            _multiply_divide(large, total[part], small, values, factor, out, bound, start, items)
            if trees:
                _twins(large, small, values, out, bound)
        part = (part - 1) & mask
    count = 0
    total[mask] = 0.0
    for i in range(width):
        out[i] += differences[i] + differences[width - 1 - i]
    for i in range(width):
        if out[i] != 0.0:
            lists[mask, count] = i - bound
            count += 1
            total[mask] += out[i]
    counts[mask] = count


@njit(cache=True, nogil=True)
def _tables(numbers, upto, ways, total, lists, counts, size, choose, trees, bound, start, items, differences):
    """Fill the tables of all subsets of up to ``upto`` numbers. A subset of a mask is a smaller integer."""
    for k in range(len(numbers)):
        for i in range(2 * bound + 1):
            ways[1 << k, i] = 0.0
        ways[1 << k, numbers[k] + bound] = total[1 << k] = 1.0
        lists[1 << k, 0] = numbers[k]
        counts[1 << k] = 1
    for mask in range(1, len(size)):
        if 2 <= size[mask] <= upto:
            _fill(mask, size, ways, total, lists, counts, choose, trees, bound, start, items, differences)


@njit(cache=True, nogil=True)
def _label_rows(numbers, targets, bound, size, choose, start, items, trees, hits, legal):
    """For each row: the ways to the target in ``hits``, and the number of play-outs in ``legal`` (0 for trees)."""
    rows, n = numbers.shape
    width, full = 2 * bound + 1, (1 << n) - 1
    ways, total = np.zeros((full, width)), np.zeros(full)
    lists, counts = np.zeros((full, width), np.int32), np.zeros(full, np.int64)
    before, differences = np.zeros(width + 1), np.zeros(width)
    smaller = size[:full]
    for row in range(rows):
        _tables(
            numbers[row], n - 1, ways, total, lists, counts, smaller, choose, trees, bound, start, items, differences
        )
        target = targets[row]
        for part in range(1, full):
            rest = full ^ part
            if size[part] < size[rest] or (size[part] == size[rest] and part < rest):
                continue
            large, small, values = ways[part], ways[rest], lists[rest, : counts[rest]]
            factor = 1.0 if trees else choose[n - 2, size[rest] - 1]
            if abs(target) <= bound:
                hits[row] += factor * _ways_to(target, large, total[part], small, values, trees, bound)
            if not trees:
                for i in range(width):
                    before[i + 1] = before[i] + large[i]
                legal[row] += factor * _legal(large, before, small, values, bound, start, items)


@njit(cache=True, nogil=True)
def _all_ways(numbers, bound, size, choose, start, items):
    """The number of trees over all of ``numbers`` for each value from -bound to bound: float64 (2 bound + 1,)."""
    n = len(numbers)
    width, full = 2 * bound + 1, (1 << n) - 1
    ways, total = np.zeros((full + 1, width)), np.zeros(full + 1)
    lists, counts = np.zeros((full + 1, width), np.int32), np.zeros(full + 1, np.int64)
    differences = np.zeros(width)
    _tables(numbers, n, ways, total, lists, counts, size, choose, True, bound, start, items, differences)
    return ways[full]


def _constants(n: int, bound: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Arguments of the compiled functions: sizes of subsets, binomial coefficients, and ``divisors``."""
    size = np.bitwise_count(np.arange(1 << n)).astype(np.int64)
    choose = np.array([[math.comb(p, q) for q in range(n)] for p in range(n)], dtype=np.float64)
    start, items = divisors(bound)
    return size, choose, start, items


def _checked(numbers: np.ndarray, targets: np.ndarray, bound: int) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.ascontiguousarray(numbers, dtype=np.int64)
    targets = np.ascontiguousarray(targets, dtype=np.int64)
    rows, n = numbers.shape
    if not 2 <= n <= MAX_NUMBERS:
        raise InputError(f"exact labels need 2 to {MAX_NUMBERS} numbers; got {n}")
    if (2 * bound + 1) << n > MAX_CELLS:
        raise InputError(f"exact labels of {n} numbers need a bound up to {(MAX_CELLS >> n) // 2 - 1}; got {bound}")
    if rows and np.abs(numbers).max() > bound:
        raise InputError(f"labels need numbers within the bound ±{bound}; got {np.abs(numbers).max()}")
    return numbers, targets


def count_solutions(numbers: np.ndarray, targets: np.ndarray, *, bound: int) -> np.ndarray:
    """The label ``num_solutions``: the number of solution trees of each puzzle, as the module docstring defines them.

    Args:
        numbers: integers, shape (rows, n), n from 2 to MAX_NUMBERS.
        targets: integers, shape (rows,).
        bound: upper bound on the absolute value of intermediate results and of the target.

    Returns:
        int64 (rows,).

    Raises:
        InputError: n is out of range, a number exceeds the bound, or the tables would exceed MAX_CELLS.
    """
    numbers, targets = _checked(numbers, targets, bound)
    hits, legal = np.zeros(len(numbers)), np.zeros(len(numbers))
    _label_rows(numbers, targets, bound, *_constants(numbers.shape[1], bound), True, hits, legal)
    return hits.astype(np.int64)


def playouts(numbers: np.ndarray, targets: np.ndarray, *, bound: int) -> tuple[np.ndarray, np.ndarray]:
    """The number of play-outs that end in the target, and of all play-outs: float64 (rows,) each, integral values.

    Arguments and errors as for ``count_solutions``.
    """
    numbers, targets = _checked(numbers, targets, bound)
    hits, legal = np.zeros(len(numbers)), np.zeros(len(numbers))
    _label_rows(numbers, targets, bound, *_constants(numbers.shape[1], bound), False, hits, legal)
    return hits, legal


def difficulty_rows(numbers: np.ndarray, targets: np.ndarray, *, bound: int) -> np.ndarray:
    """The label ``difficulty``: -log10 of the share of all play-outs that end in the target.

    0 means that all play-outs reach the target, 3 that one in a thousand does, inf that none does.

    Arguments and errors as for ``count_solutions``.

    Returns:
        float32 (rows,).
    """
    hits, legal = playouts(numbers, targets, bound=bound)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(hits > 0, np.log10(legal / hits), np.inf).astype(np.float32)


def difficulty(numbers: Sequence[int], target: int, bound: int) -> float:
    """The difficulty of one puzzle; see ``difficulty_rows``."""
    return float(difficulty_rows(np.array([numbers]), np.array([target]), bound=bound)[0])


def reachable(numbers: Sequence[int], *, bound: int) -> set[int]:
    """All targets that ``numbers`` (2 to 8) can reach under ``bound``. Raises InputError as ``count_solutions``."""
    given, _ = _checked(np.array([numbers]), np.zeros(1), bound)
    return set((np.nonzero(_all_ways(given[0], bound, *_constants(len(numbers), bound)))[0] - bound).tolist())
