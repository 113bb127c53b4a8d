"""Cost tables of the solver: the least cost at which each part of the numbers can produce each value.

The dynamic program runs over all parts (sub-multisets) of the numbers and all values in a window around 0. The cost of
a solution is either the largest absolute value of its intermediate results, or their sum (``adding``). The tables
contain all parts except the largest ones. For those, only the values that the target needs are computed.

A part is a bit mask over the sorted numbers. Costs are float32, so that the loops vectorise without conversion;
integers up to 2^24 are exact.
"""

from __future__ import annotations

import numpy as np
from numba import njit

FAR = np.float32(1 << 30)
"""The cost of a value that a part cannot give."""


@njit(cache=True, nogil=True)
def list_splits(numbers, size, first, pairs):
    """List the splits of every part in two: ``pairs[first[mask] : first[mask + 1]]``, the larger part first.

    Several masks can stand for one multiset if numbers repeat. Only the mask that ``_foremost`` returns has splits.
    """
    n = len(numbers)
    count = 0
    for mask in range(1, 1 << n):
        first[mask] = count
        if _foremost(mask, numbers) != mask:
            continue
        part = (mask - 1) & mask
        while part:
            if _foremost(part, numbers) == part:
                rest = _foremost(mask ^ part, numbers)
                if size[part] > size[rest] or (size[part] == size[rest] and part >= rest):
                    pairs[count, 0], pairs[count, 1] = part, rest
                    count += 1
            part = (part - 1) & mask
    first[1 << n] = count


@njit(cache=True, nogil=True)
def _foremost(mask, numbers):
    """The mask of the same multiset that takes the first of equal ``numbers`` (sorted)."""
    n = len(numbers)
    out = place = 0
    for k in range(n):
        if k and numbers[k] != numbers[k - 1]:
            place = k
        if mask >> k & 1:
            out |= 1 << place
            place += 1
    return out


@njit(cache=True, nogil=True)
def partner(move, b, c):
    """Solve a move for a, given b and the result c. Return (whether an integer a exists, a).

    Moves 0 to 5 are a+b, a-b, b-a, a*b, a/b, b/a. An equation that two moves give is found by one of them only. The
    equations a*0 = 0 and 0/a = 0 hold for every a and are not found here.
    """
    if move == 0:
        return True, c - b
    if move == 1:
        return True, c + b
    if move == 2:
        return c != 0, b - c  # c = 0 means a = b, the same equation as a-b
    if b == 0:
        return False, 0
    if move == 3:
        return c % b == 0, c // b
    if move == 4:
        return True, c * b
    if c == 0 or c == 1:  # c = 1 means a = b, the same equation as a/b
        return False, 0
    return b % c == 0, b // c


@njit(cache=True, nogil=True)
def cost_at(table, part, value, size, single, window):
    """The cost of ``value`` for ``part``. It works for parts of one number and for values outside the window, too."""
    if size[part] == 1:
        return np.float32(0) if single[part] == value else FAR
    if -window <= value <= window:
        return table[part, value + window]
    return FAR


@njit(cache=True, nogil=True)
def _joined(x, y, adding):
    """The cost of two parts together."""
    return x + y if adding else max(x, y)


@njit(cache=True, nogil=True)
def _sweep(source, out, cost, adding):
    """``out = min(out, _joined(source, cost))``, elementwise, in loops that the compiler can vectorise."""
    if adding:
        for i in range(len(source)):
            x = source[i] + cost
            out[i] = x if x < out[i] else out[i]
    else:
        for i in range(len(source)):
            x = source[i] if source[i] > cost else cost
            out[i] = x if x < out[i] else out[i]


@njit(cache=True, nogil=True)
def _fill(part, table, lists, counts, size, single, first, pairs, window, adding, start, items, differences):
    """Fill ``table[part]`` and the list of its values from the tables of its splits."""
    width = 2 * window + 1
    out = table[part]
    for i in range(width):
        out[i] = differences[i] = FAR
    for s in range(first[part], first[part + 1]):
        left, right = pairs[s, 0], pairs[s, 1]
        if size[left] == 1:
            a, b = single[left], single[right]
            for c in (a + b, a - b, b - a, a * b):
                if -window <= c <= window:
                    out[c + window] = 0
            if b != 0 and a % b == 0 and abs(a // b) <= window:
                out[a // b + window] = 0
            if a != 0 and b % a == 0 and abs(b // a) <= window:
                out[b // a + window] = 0
            continue
        large = table[left]
        for i in range(counts[right]):
            b = np.int64(lists[right, i])
            cost = np.float32(0) if size[right] == 1 else table[right, b + window]
            if abs(b) < width:
                low, high = max(0, -b), min(width, width - b)
                _sweep(large[low:high], out[low + b : high + b], cost, adding)
                low, high = max(0, b), min(width, width + b)
                _sweep(large[low:high], differences[low - b : high - b], cost, adding)
            if b == 0:
                for k in range(counts[left]):
                    x = _joined(large[lists[left, k] + window], cost, adding)
                    out[window] = min(out[window], x)
                continue
            reach = window // abs(b)
            for k in range(-reach, reach + 1):
                x = _joined(large[k + window], cost, adding)
                out[k * b + window] = min(out[k * b + window], x)
                x = _joined(large[k * b + window], cost, adding)
                out[k + window] = min(out[k + window], x)
            if abs(b) < len(start) - 1:
                for k in range(start[abs(b)], start[abs(b) + 1]):
                    d = items[k]
                    if d > window:
                        break
                    q = b // d
                    if abs(q) <= window:
                        out[q + window] = min(out[q + window], _joined(large[d + window], cost, adding))
                        out[-q + window] = min(out[-q + window], _joined(large[-d + window], cost, adding))
            else:
                for d in range(1, window + 1):
                    q = b // d
                    if q * d == b and abs(q) <= window:
                        out[q + window] = min(out[q + window], _joined(large[d + window], cost, adding))
                        out[-q + window] = min(out[-q + window], _joined(large[-d + window], cost, adding))
    count = 0
    for i in range(width):
        x = min(out[i], differences[i], differences[width - 1 - i])
        out[i] = FAR
        if x < FAR:
            out[i] = _joined(x, np.float32(abs(i - window)), adding)
            lists[part, count] = i - window
            count += 1
    counts[part] = count


@njit(cache=True, nogil=True)
def _least(part, value, limit, table, lists, counts, size, single, first, pairs, window, adding, largest):
    """The least cost with which ``part`` gives ``value``, or ``limit`` if that is less. ``value`` itself does not
    count.

    Splits whose larger part has more than ``largest`` numbers are skipped.
    """
    for s in range(first[part], first[part + 1]):
        left, right = pairs[s, 0], pairs[s, 1]
        if size[left] > largest:
            continue
        for i in range(counts[right]):
            b = np.int64(lists[right, i])
            cost = np.float32(0) if size[right] == 1 else table[right, b + window]
            if cost >= limit:
                continue
            if b == 0 and value == 0:
                for k in range(counts[left]):
                    a = np.int64(lists[left, k])
                    limit = min(limit, _joined(cost_at(table, left, a, size, single, window), cost, adding))
            for move in range(6):
                there, a = partner(move, b, value)
                if there:
                    limit = min(limit, _joined(cost_at(table, left, a, size, single, window), cost, adding))
    return limit


@njit(cache=True, nogil=True)
def fill_tables(target, table, lists, counts, size, single, first, pairs, window, adding, upto, start, items, diff):
    """Fill the tables of a puzzle. Return the least cost of the target, or FAR if the window has no solution.

    Parts of up to ``upto`` numbers are filled for all values. Larger parts, which lack one number, are filled only for
    the values that a best solution may need.
    """
    full = len(size) - 1
    n = size[full]
    for part in range(1, full):
        if 2 <= size[part] <= upto and first[part] < first[part + 1]:
            _fill(part, table, lists, counts, size, single, first, pairs, window, adding, start, items, diff)
    best = _least(full, target, FAR, table, lists, counts, size, single, first, pairs, window, adding, upto)
    if upto >= n - 1:
        return best
    for s in range(first[full], first[full + 1]):
        left, right = pairs[s, 0], pairs[s, 1]
        if size[left] < n - 1:
            continue
        for i in range(2 * window + 1):
            table[left, i] = FAR
        for move in range(6):
            there, a = partner(move, single[right], target)
            if not there or abs(a) > window:
                continue
            limit = FAR if adding else best  # for sums, solutions of equal cost are needed too
            x = _least(left, a, limit, table, lists, counts, size, single, first, pairs, window, adding, n)
            if x < limit:
                x = _joined(x, np.float32(abs(a)), adding)
                table[left, a + window] = x
                best = min(best, x)
    return best
