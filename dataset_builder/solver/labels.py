"""Labels of many puzzles, exact for N up to 8: the number of solutions, the difficulty; and all reachable targets.

One dynamic program serves all three. For every subset of the numbers it holds, for every value within
the bound, in how many ways the subset makes the value; a subset's ways are those of its splits in two.
Sums and differences are convolutions with dense inner loops, products and quotients walk multiples
and divisors. The whole set is asked for one value only.

Two ways of counting:

- **trees** (``count_solutions``): expression trees over the given numbers, each number a leaf of its
  own even where numbers are equal. Swapping the operands of + and * gives the same tree; so does
  a-b against b-a, and a/b against b/a, where a = b. Each tree is one text (``puzzle.normal_form``), and
  each text is at least one tree. Two trees are one text only where two equal numbers lie in the pool and
  either may be taken: given numbers that repeat, or a result that equals another number or result.
- **play-outs** (``difficulty``): sequences of moves; a move takes any two numbers of the pool and one of
  ``a+b a-b b-a a*b a/b b/a``, division exact, result within the bound. The orders of independent steps
  count: two subsets with p and q steps interleave in binomial(p+q, p) ways.

Counts are float64 and stay below 2^53 (all play-outs of 8 numbers are fewer than 4.5e11), so they are exact.
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
"""Largest table, in values of all subsets together (2^n (2 bound + 1) float64, hence 1 GiB)."""


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


@lru_cache(maxsize=8)
def divisors(limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Positive divisors of 1..limit, int64: those of v are ``items[start[v] : start[v + 1]]``, ascending."""
    d = np.arange(1, limit + 1)
    counts = limit // d  # multiples of each d
    each = np.repeat(d, counts)
    multiples = each * (1 + np.arange(len(each)) - np.repeat(np.cumsum(counts) - counts, counts))
    items = each[np.argsort(multiples, kind="stable")]
    return np.concatenate([[0], np.cumsum(np.bincount(multiples, minlength=limit + 1))]), items


@njit(cache=True, nogil=True)
def _convolve(large, small, values, factor, sums, differences, bound):
    """Add ``factor * large[a] * small[b]`` to ``sums[a + b]`` and to ``differences[a - b]``, dense in a."""
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
    """As ``_convolve``, over the list of values that ``large`` has."""
    for b in values:
        w = factor * small[b + bound]
        for a in larges:
            if -bound <= a + b <= bound:
                sums[a + b + bound] += w * large[a + bound]
            if -bound <= a - b <= bound:
                differences[a - b + bound] += w * large[a + bound]


@njit(cache=True, nogil=True)
def _multiply_divide(large, total, small, values, factor, out, bound, start, items):
    """Add the ways of ``a*b``, ``a/b`` and ``b/a``, a from ``large``, b from ``small``."""
    for b in values:
        w = factor * small[b + bound]
        if b == 0:  # a*0, and 0/a for every a but 0
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
    """Of two equal numbers, a-a and a/a were counted twice each: take one away."""
    for b in values:
        w = small[b + bound] * large[b + bound]
        out[bound] -= w
        if b != 0:
            out[bound + 1] -= w


@njit(cache=True, nogil=True)
def _ways_to(target, large, total, small, values, trees, bound):
    """The ways to make ``target`` from one number of ``large`` and one of ``small``."""
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
    """How many legal moves there are, weighted: ``before[i]`` is the sum of ``large[:i]``."""
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
    """Fill ``ways[mask]`` from the subsets of ``mask``, then its total and its list of values."""
    width = 2 * bound + 1
    out = ways[mask]
    out[:] = 0.0
    differences[:] = 0.0
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
    """Fill the tables of every subset of up to ``upto`` numbers. Every subset of a mask is a smaller integer."""
    for k in range(len(numbers)):
        ways[1 << k] = 0.0
        ways[1 << k, numbers[k] + bound] = total[1 << k] = 1.0
        lists[1 << k, 0] = numbers[k]
        counts[1 << k] = 1
    for mask in range(1, len(size)):
        if 2 <= size[mask] <= upto:
            _fill(mask, size, ways, total, lists, counts, choose, trees, bound, start, items, differences)


@njit(cache=True, nogil=True)
def _label_rows(numbers, targets, bound, size, choose, start, items, trees, hits, legal):
    rows, n = numbers.shape
    width, full = 2 * bound + 1, (1 << n) - 1
    ways, total = np.zeros((full, width)), np.zeros(full)
    lists, counts = np.zeros((full, width), np.int32), np.zeros(full, np.int64)
    before, differences = np.zeros(width + 1), np.zeros(width)
    for row in range(rows):
        _tables(
            numbers[row],
            n - 1,
            ways,
            total,
            lists,
            counts,
            size[:full],
            choose,
            trees,
            bound,
            start,
            items,
            differences,
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
    """The ways (trees) to every value with all of ``numbers``: float64 (2 bound + 1,)."""
    n = len(numbers)
    width, full = 2 * bound + 1, (1 << n) - 1
    ways, total = np.zeros((full + 1, width)), np.zeros(full + 1)
    lists, counts = np.zeros((full + 1, width), np.int32), np.zeros(full + 1, np.int64)
    differences = np.zeros(width)
    _tables(numbers, n, ways, total, lists, counts, size, choose, True, bound, start, items, differences)
    return ways[full]


def _constants(n: int, bound: int) -> tuple[np.ndarray, ...]:
    """What the compiled functions need: sizes of subsets, binomials, divisors."""
    size = np.bitwise_count(np.arange(1 << n)).astype(np.int64)
    choose = np.array([[math.comb(p, q) for q in range(n)] for p in range(n)], dtype=np.float64)
    return size, choose, *divisors(bound)


def _checked(numbers: np.ndarray, targets: np.ndarray, bound: int) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.ascontiguousarray(numbers, dtype=np.int64)
    targets = np.ascontiguousarray(targets, dtype=np.int64)
    rows, n = numbers.shape
    if not 2 <= n <= MAX_NUMBERS:
        raise InputError(f"exact labels take 2 to {MAX_NUMBERS} numbers; got {n}")
    if (2 * bound + 1) << n > MAX_CELLS:
        raise InputError(f"exact labels of {n} numbers take bounds up to {(MAX_CELLS >> n) // 2 - 1}; got {bound}")
    if rows and np.abs(numbers).max() > bound:
        raise InputError(f"labels need numbers within the bound ±{bound}; got {np.abs(numbers).max()}")
    return numbers, targets


def count_solutions(numbers: np.ndarray, targets: np.ndarray, *, bound: int) -> np.ndarray:
    """The number of solution trees of each puzzle; see the module's text for what counts as one.

    Args:
        numbers: integers, shape (rows, n), n from 2 to 8; targets: integers, shape (rows,).
        bound: the largest |intermediate|, and |target|.

    Returns:
        int64 (rows,).

    Raises:
        InputError: n, numbers beyond the bound, or a bound whose tables would pass MAX_CELLS.
    """
    numbers, targets = _checked(numbers, targets, bound)
    hits, legal = np.zeros(len(numbers)), np.zeros(len(numbers))
    _label_rows(numbers, targets, bound, *_constants(numbers.shape[1], bound), True, hits, legal)
    return hits.astype(np.int64)


def playouts(numbers: np.ndarray, targets: np.ndarray, *, bound: int) -> tuple[np.ndarray, np.ndarray]:
    """Play-outs that end in the target, and all legal ones: float64 (rows,) each, whole numbers. Else as above."""
    numbers, targets = _checked(numbers, targets, bound)
    hits, legal = np.zeros(len(numbers)), np.zeros(len(numbers))
    _label_rows(numbers, targets, bound, *_constants(numbers.shape[1], bound), False, hits, legal)
    return hits, legal


def difficulty_rows(numbers: np.ndarray, targets: np.ndarray, *, bound: int) -> np.ndarray:
    """How much luck a blind player needs: -log10 of the share of all legal play-outs that reach the target.

    0 means that every play-out wins, 3 that one in a thousand does, inf that none does.

    Args and errors: as ``count_solutions``.

    Returns:
        float32 (rows,).
    """
    hits, legal = playouts(numbers, targets, bound=bound)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(hits > 0, np.log10(legal / hits), np.inf).astype(np.float32)


def difficulty(numbers: Sequence[int], target: int, bound: int) -> float:
    """``difficulty_rows`` of one puzzle."""
    return float(difficulty_rows(np.array([numbers]), np.array([target]), bound=bound)[0])


def reachable(numbers: Sequence[int], *, bound: int) -> set[int]:
    """Every target that ``numbers`` (2 to 8) can reach under ``bound``. Raises InputError as ``count_solutions``."""
    given, _ = _checked(np.array([numbers]), np.zeros(1), bound)
    return set((np.nonzero(_all_ways(given[0], bound, *_constants(len(numbers), bound)))[0] - bound).tolist())
