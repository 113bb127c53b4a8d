"""The best solutions of many puzzles: the canonical one of each row, or the first K in the same order.

Solutions are ordered by the largest |intermediate|, then the sum of |intermediates|, then their normal
forms in the order of ``puzzle.normal_form``. Intermediates are the results of all equations but the last.

For every part of the numbers and every value within a window, a dynamic program keeps the least largest
|intermediate| below and including the value (``top``), and under a limit on it the least sum (``cost``).
All but the largest parts are filled; those are asked only for what the target needs. Then a search from
the target down follows the steps that these tables allow. The window starts small, as the best solutions
live there, and grows for the rows that need it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.solver.labels import divisors

MAX_NUMBERS = 8
FIRST_WINDOW = 16
MAX_CELLS = 1 << 28
"""Largest tables, in values of all parts together: 8 bytes each, hence 2 GiB."""
_FAR = np.float32(1 << 30)
"""No way. Costs are float32, as these vectorise without widening; whole numbers up to 2^24 are exact."""


@njit(cache=True, nogil=True)
def _splits(numbers, size, first, pairs):
    """Every part's splits in two: those of ``mask`` are ``pairs[first[mask] : first[mask + 1]]``, the larger first.

    Of equal numbers a part has the foremost ones, so that a multiset is one part: a part that has not is left
    without splits.
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
    """The same multiset of ``numbers`` (sorted) with the first ones of each value."""
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
def _partner(move, b, c):
    """For c from a and b by a move: (there is an a, a). Moves: a+b a-b b-a a*b a/b b/a, each equation once.

    Not for a*0 = 0 and 0/a = 0, where any a will do.
    """
    if move == 0:
        return True, c - b
    if move == 1:
        return True, c + b
    if move == 2:
        return c != 0, b - c  # c = 0 is a-b with a = b again
    if b == 0:
        return False, 0
    if move == 3:
        return c % b == 0, c // b
    if move == 4:
        return True, c * b
    if c == 0 or c == 1:  # c = 1 is a/b with a = b again
        return False, 0
    return b % c == 0, b // c


@njit(cache=True, nogil=True)
def _at(table, part, value, size, single, window):
    """The table's entry, for values of any size and parts of one number too."""
    if size[part] == 1:
        return np.float32(0) if single[part] == value else _FAR
    if -window <= value <= window:
        return table[part, value + window]
    return _FAR


@njit(cache=True, nogil=True)
def _joined(x, y, adding):
    return x + y if adding else max(x, y)


@njit(cache=True, nogil=True)
def _sweep(source, out, cost, adding):
    """``out = min(out, source joined with cost)``, elementwise; the loops that must vectorise."""
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
    """Fill ``table[part]`` and its list of values from the tables of its splits."""
    width = 2 * window + 1
    out = table[part]
    out[:] = _FAR
    differences[:] = _FAR
    for s in range(first[part], first[part + 1]):
        left, right = pairs[s]
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
        for b in lists[right, : counts[right]]:
            cost = np.float32(0) if size[right] == 1 else table[right, b + window]
            if abs(b) < width:
                low, high = max(0, -b), min(width, width - b)
                _sweep(large[low:high], out[low + b : high + b], cost, adding)
                low, high = max(0, b), min(width, width + b)
                _sweep(large[low:high], differences[low - b : high - b], cost, adding)
            if b == 0:
                for a in lists[left, : counts[left]]:
                    out[window] = min(out[window], _joined(large[a + window], cost, adding))
                continue
            reach = window // abs(b)
            for k in range(-reach, reach + 1):
                x = _joined(large[k + window], cost, adding)
                out[k * b + window] = min(out[k * b + window], x)
                x = _joined(large[k * b + window], cost, adding)
                out[k + window] = min(out[k + window], x)
            if abs(b) < len(start) - 1:
                for d in items[start[abs(b)] : start[abs(b) + 1]]:
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
        out[i] = _FAR
        if x < _FAR:
            out[i] = _joined(x, np.float32(abs(i - window)), adding)
            lists[part, count] = i - window
            count += 1
    counts[part] = count


@njit(cache=True, nogil=True)
def _least(part, value, limit, table, lists, counts, size, single, first, pairs, window, adding, largest):
    """The least cost of the steps that end in ``value``, if below ``limit``; the value itself not counted.

    Splits whose larger part has more than ``largest`` numbers are left out.
    """
    for s in range(first[part], first[part + 1]):
        left, right = pairs[s]
        if size[left] > largest:
            continue
        for b in lists[right, : counts[right]]:
            cost = np.float32(0) if size[right] == 1 else table[right, b + window]
            if cost >= limit:
                continue
            if b == 0 and value == 0:
                for a in lists[left, : counts[left]]:
                    limit = min(limit, _joined(_at(table, left, a, size, single, window), cost, adding))
            for move in range(6):
                there, a = _partner(move, b, value)
                if there:
                    limit = min(limit, _joined(_at(table, left, a, size, single, window), cost, adding))
    return limit


@njit(cache=True, nogil=True)
def _solve_tables(target, table, lists, counts, size, single, first, pairs, window, adding, upto, start, items, diff):
    """Fill all tables; return the least cost for the target, _FAR if there is none in the window.

    Parts of up to ``upto`` numbers are filled; one of all but one number only where the target needs it,
    with what could be part of a best solution.
    """
    full = len(size) - 1
    n = size[full]
    for part in range(1, full):
        if 2 <= size[part] <= upto and first[part] < first[part + 1]:
            _fill(part, table, lists, counts, size, single, first, pairs, window, adding, start, items, diff)
    best = _least(full, target, _FAR, table, lists, counts, size, single, first, pairs, window, adding, upto)
    if upto >= n - 1:
        return best
    for s in range(first[full], first[full + 1]):
        left, right = pairs[s]
        if size[left] < n - 1:
            continue
        table[left] = _FAR
        for move in range(6):
            there, a = _partner(move, single[right], target)
            if not there or abs(a) > window:
                continue
            limit = _FAR if adding else best  # of sums, equals count
            x = _least(left, a, limit, table, lists, counts, size, single, first, pairs, window, adding, n)
            if x < limit:
                x = _joined(x, np.float32(abs(a)), adding)
                table[left, a + window] = x
                best = min(best, x)
    return best


@njit(cache=True, nogil=True)
def _normal_form(numbers, equations, out):
    """As ``puzzle.normal_form``, for int64 (steps, 4) rows ``a, operator index, b, c`` that have operands in order."""
    steps = len(equations)
    n = steps + 1
    for i in range(1, steps):  # insertion sort: a descending, b descending, operator
        for j in range(i, 0, -1):
            x, y = equations[j - 1], equations[j]
            if (-x[0], -x[2], x[1]) <= (-y[0], -y[2], y[1]):
                break
            for k in range(4):
                x[k], y[k] = y[k], x[k]
    pools = np.zeros((n, n), np.int64)
    pools[0] = numbers
    used = np.zeros(n, np.int64)
    chosen = np.full(n, -1, np.int64)
    depth = 0
    while depth < steps:
        pool, m = pools[depth], n - depth
        i = chosen[depth] + 1
        before = chosen[depth]
        while i < steps:
            if not used[depth] >> i & 1 and (before < 0 or (equations[i] != equations[before]).any()):
                p = q = -1
                for k in range(m):
                    if p < 0 and pool[k] == equations[i, 0]:
                        p = k
                    elif q < 0 and pool[k] == equations[i, 2]:
                        q = k
                if p >= 0 and q >= 0:
                    break
            i += 1
        if i == steps:  # a dead end: equal values were taken by the wrong step
            chosen[depth] = -1
            depth -= 1
            continue
        chosen[depth] = i
        k = 0
        for r in range(m):
            if r not in (p, q):
                pools[depth + 1, k] = pool[r]
                k += 1
        pools[depth + 1, k] = equations[i, 3]
        used[depth + 1] = used[depth] | 1 << i
        depth += 1
    for i in range(steps):
        out[i] = equations[chosen[i]]


@njit(cache=True, nogil=True)
def _order(x, y):
    """-1, 0 or 1: how two normal forms compare in the documented order."""
    for i in range(len(x)):
        for k, sign in ((0, -1), (2, -1), (1, 1)):
            if x[i, k] != y[i, k]:
                return sign if x[i, k] > y[i, k] else -sign
    return 0


@njit(cache=True, nogil=True)
def _keep(equations, largest, total, kept, keys, count):
    """Insert a solution among the first ``len(kept) - 1`` in order, unless it is there; returns how many there are."""
    place = count
    while place > 0:
        k = place - 1
        if (keys[k, 0], keys[k, 1]) < (largest, total):
            break
        if keys[k, 0] == largest and keys[k, 1] == total:
            order = _order(kept[k], equations)
            if order == 0:
                return count
            if order < 0:
                break
        place -= 1
    for k in range(count, place, -1):
        kept[k], keys[k] = kept[k - 1], keys[k - 1]
    kept[place] = equations
    keys[place] = largest, total
    return min(count + 1, len(kept) - 1)


@njit(cache=True, nogil=True)
def _search(numbers, target, least, kept, keys, count, table, lists, counts, size, single, first, pairs, window):
    """All trees within the window that can still be among the first K, depth first; returns how many are kept.

    A frame holds the parts that still need a tree, expands the last of them by one step, and knows the
    largest value so far and the least sum that the tables leave possible.
    """
    n = len(numbers)
    full, capacity = len(size) - 1, len(kept) - 1
    pending, waiting = np.zeros((n, n, 2), np.int64), np.zeros(n, np.int64)
    split, item, move = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    largest, total = np.zeros(n, np.int64), np.zeros(n, np.float32)
    path, form = np.zeros((n - 1, 4), np.int64), np.zeros((n - 1, 4), np.int64)
    pending[0, 0, 0], pending[0, 0, 1] = full, target
    waiting[0], split[0], total[0] = 1, first[full], least
    depth = 0
    while depth >= 0:
        if waiting[depth] == 0:
            _normal_form(numbers, path.copy(), form)
            count = _keep(form, largest[depth], np.int64(total[depth]), kept, keys, count)
            depth -= 1
            continue
        part, value = pending[depth, waiting[depth] - 1]
        s = split[depth]
        if s == first[part + 1]:
            depth -= 1
            continue
        left, right = pairs[s]
        if item[depth] == counts[right]:
            split[depth] += 1
            item[depth] = 0
            continue
        b = lists[right, item[depth]]
        if move[depth] == 6 + (2 * counts[left] if b == 0 and value == 0 else 0):
            item[depth] += 1
            move[depth] = 0
            continue
        kind = move[depth]
        move[depth] += 1
        if kind < 6:
            there, a = _partner(kind, b, value)
            if not there:
                continue
        else:  # a*0 and 0/a
            a = lists[left, (kind - 6) // 2]
            kind = 3 if kind % 2 == 0 else 5
            if kind == 5 and a == 0:
                continue
        cost = _at(table, left, a, size, single, window)
        if size[right] > 1:
            cost += table[right, b + window]
        if cost >= _FAR:
            continue
        below = total[depth] + cost
        below -= least if part == full else table[part, value + window] - np.float32(abs(value))
        top = largest[depth]
        if size[left] > 1:
            top = max(top, abs(a))
        if size[right] > 1:
            top = max(top, abs(b))
        if (top, np.int64(below)) > (keys[capacity - 1, 0], keys[capacity - 1, 1]):
            continue
        x, y = (b, a) if kind in (2, 5) or (kind in (0, 3) and b > a) else (a, b)
        path[depth, 0], path[depth, 2], path[depth, 3] = x, y, value
        path[depth, 1] = kind if kind < 2 else (1, 2, 3, 3)[kind - 2]
        m = waiting[depth] - 1
        depth += 1
        pending[depth, :m] = pending[depth - 1, :m]
        if size[left] > 1:
            pending[depth, m, 0], pending[depth, m, 1] = left, a
            m += 1
        if size[right] > 1:
            pending[depth, m, 0], pending[depth, m, 1] = right, b
            m += 1
        waiting[depth], largest[depth], total[depth] = m, top, below
        item[depth] = move[depth] = 0
        if m:
            split[depth] = first[pending[depth, m - 1, 0]]
    return count


@njit(cache=True, nogil=True)
def _best_rows(numbers, targets, k, window, size, start, items, equations, found):
    """The first k solutions of each row (its numbers sorted) whose intermediates lie in the window."""
    rows, n = numbers.shape
    full, width = (1 << n) - 1, 2 * window + 1
    first, pairs = np.zeros(full + 2, np.int64), np.zeros((3**n // 2, 2), np.int64)
    table, differences = np.zeros((full + 1, width), np.float32), np.zeros(width, np.float32)
    lists, counts = np.zeros((full + 1, width), np.int32), np.zeros(full + 1, np.int64)
    single = np.zeros(full + 1, np.int64)
    kept, keys = np.zeros((k + 1, n - 1, 4), np.int64), np.zeros((k + 1, 2), np.int64)
    for row in range(rows):
        given, target = numbers[row], targets[row]
        same = row > 0
        for i in range(1, n):
            same = same and (given[i] == given[i - 1]) == (numbers[row - 1, i] == numbers[row - 1, i - 1])
        if not same:
            _splits(given, size, first, pairs)
        zero = False
        for i in range(n):
            single[1 << i] = lists[1 << i, 0] = given[i]
            counts[1 << i] = 1
            zero = zero or given[i] == 0
        upto = n - 1 if zero and target == 0 else max(1, n - 2)  # with 0, any value of the others will do
        count, keys[:] = 0, np.int64(_FAR)
        limit, step, adding = window, 1, False  # first the least largest value, then sums under it
        while True:
            least = _solve_tables(
                target, table, lists, counts, size, single, first, pairs, limit, adding, upto, start, items, differences
            )
            if not adding:
                if least > window:
                    break
                limit, adding = np.int64(least), True
                continue
            if k == 1:
                keys[0] = limit, np.int64(least)
            count = _search(
                given, target, least, kept, keys, count, table, lists, counts, size, single, first, pairs, limit
            )
            if count == k or limit == window:
                break
            limit = min(window, limit + step)
            step *= 2
        found[row] = count
        equations[row, :count] = kept[:count]


def paths(numbers: np.ndarray, targets: np.ndarray, k: int, bound: int) -> tuple[np.ndarray, np.ndarray]:
    """The first k solutions of each puzzle in the order of the module's text, in normal form; the first is canonical.

    Args:
        numbers: integers, shape (rows, n), n from 2 to 8, multisets; targets: integers, shape (rows,).
        k: how many, at least 1.
        bound: on |intermediate|.

    Returns:
        equations, int64 (rows, k, n-1, 4): a, operator index in ``+-*/``, b, c; zeros where there are fewer than k.
        found, int64 (rows,): how many there are, up to k.

    Raises:
        InputError: n or k; or a puzzle needs larger intermediates than MAX_CELLS allows (about 10^6 with 7 numbers).
    """
    numbers = np.sort(np.asarray(numbers, dtype=np.int64), axis=1)
    targets = np.ascontiguousarray(targets, dtype=np.int64)
    rows, n = numbers.shape
    if not 2 <= n <= MAX_NUMBERS:
        raise InputError(f"canonical solutions take 2 to {MAX_NUMBERS} numbers; got {n}")
    if k < 1:
        raise InputError(f"the number of solutions is at least 1; got {k}")
    equations, found = np.zeros((rows, k, n - 1, 4), dtype=np.int64), np.zeros(rows, dtype=np.int64)
    size = np.bitwise_count(np.arange(1 << n)).astype(np.int64)
    window, left = min(FIRST_WINDOW, bound), np.arange(rows)
    while len(left):
        some, counts = np.zeros((len(left), k, n - 1, 4), dtype=np.int64), np.zeros(len(left), dtype=np.int64)
        if (2 * window + 1) << n > MAX_CELLS:
            limit = (MAX_CELLS >> n) // 2 - 1
            raise InputError(
                f"canonical solutions of {n} numbers are searched up to intermediates of {limit}; "
                f"{len(left)} puzzles have fewer than {k} so far, and the bound is {bound}"
            )
        table = divisors(min(max(window, int(np.abs(numbers).max(initial=0))), 1 << 16))
        _best_rows(numbers[left], targets[left], k, window, size, *table, some, counts)
        equations[left], found[left] = some, counts
        if window == bound:
            break
        left, window = left[counts < k], min(4 * window, bound)
    return equations, found


def canonical(numbers: np.ndarray, targets: np.ndarray, bound: int) -> tuple[np.ndarray, np.ndarray]:
    """The canonical solution of each puzzle, in normal form: the first of ``paths``.

    Returns:
        equations, int64 (rows, n-1, 4): a, operator index in ``+-*/``, b, c; found, bool (rows,).
    """
    equations, found = paths(numbers, targets, 1, bound)
    return equations[:, 0], found > 0
