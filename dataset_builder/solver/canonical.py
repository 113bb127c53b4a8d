"""The best solutions of many puzzles: the canonical solution of each, or the first K in the same order.

Solutions are ordered by the largest absolute value of their intermediate results, then by the sum of these absolute
values, then by their normal forms, compared as in ``puzzle.normal_form``. Intermediate results are the results of all
equations except the last.

For each puzzle, ``cost_tables`` computes the least costs. Then a search from the target down follows the steps that
these costs allow. The tables cover a window of values. It starts small, because the best solutions have small
intermediate results, and grows for the puzzles that need it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.normal_form import comes_before, to_normal_form
from arith_puzzle.dataset_builder.solver.cost_tables import FAR, cost_at, fill_tables, list_splits, partner
from arith_puzzle.dataset_builder.solver.labels import divisors

MAX_NUMBERS = 8
FIRST_WINDOW = 16
"""Half width of the first window: values from -16 to 16."""
MAX_CELLS = 1 << 28
"""Maximum size of the tables, 2^n (2 window + 1) values of 8 bytes; this maximum is 2 GiB."""


@njit(cache=True, nogil=True)
def _order(x, y):
    """Compare two normal forms: -1 if x comes first, 1 if y comes first, 0 if they are equal."""
    for i in range(len(x)):
        if comes_before(x[i], y[i]):
            return -1
        if comes_before(y[i], x[i]):
            return 1
    return 0


@njit(cache=True, nogil=True)
def _copy(equations, out):
    """Copy equations entry by entry: numba compiles such loops several times faster than slices."""
    for i in range(len(equations)):
        for k in range(4):
            out[i, k] = equations[i, k]


@njit(cache=True, nogil=True)
def _keep(equations, largest, total, kept, keys, count):
    """Insert a solution into the first ``len(kept) - 1`` solutions, unless it is among them. Return their number."""
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
        _copy(kept[k - 1], kept[k])
        keys[k, 0], keys[k, 1] = keys[k - 1, 0], keys[k - 1, 1]
    _copy(equations, kept[place])
    keys[place, 0], keys[place, 1] = largest, total
    return min(count + 1, len(kept) - 1)


@njit(cache=True, nogil=True)
def _search(numbers, target, least, kept, keys, count, table, lists, counts, size, single, first, pairs, window):
    """Search depth first for all solutions within the window that can be among the first K. Return the number kept.

    Each frame of the stack has the parts that still need equations, and expands the last of them by one step. It also
    has the largest value so far, and the least sum that is still possible.
    """
    n = len(numbers)
    full, capacity = len(size) - 1, len(kept) - 1
    pending, waiting = np.zeros((n, n, 2), np.int64), np.zeros(n, np.int64)
    split, item, move = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    largest, total = np.zeros(n, np.int64), np.zeros(n, np.float32)
    path, form = np.zeros((n - 1, 4), np.int64), np.zeros((1, n - 1, 4), np.int64)
    given = np.zeros((1, n), np.int64)
    for i in range(n):
        given[0, i] = numbers[i]
    pending[0, 0, 0], pending[0, 0, 1] = full, target
    waiting[0], split[0], total[0] = 1, first[full], least
    depth = 0
    while depth >= 0:
        if waiting[depth] == 0:
            _copy(path, form[0])
            to_normal_form(given, form)
            count = _keep(form[0], largest[depth], np.int64(total[depth]), kept, keys, count)
            depth -= 1
            continue
        m = waiting[depth] - 1
        part, value = pending[depth, m, 0], pending[depth, m, 1]
        s = split[depth]
        if s == first[part + 1]:
            depth -= 1
            continue
        left, right = pairs[s, 0], pairs[s, 1]
        if item[depth] == counts[right]:
            split[depth] += 1
            item[depth] = 0
            continue
        b = np.int64(lists[right, item[depth]])
        if move[depth] == 6 + (2 * counts[left] if b == 0 and value == 0 else 0):
            item[depth] += 1
            move[depth] = 0
            continue
        kind = move[depth]
        move[depth] += 1
        if kind < 6:
            there, a = partner(kind, b, value)
            if not there:
                continue
        else:  # a*0 and 0/a
            a = np.int64(lists[left, (kind - 6) // 2])
            kind = 3 if kind % 2 == 0 else 5
            if kind == 5 and a == 0:
                continue
        cost = cost_at(table, left, a, size, single, window)
        if size[right] > 1:
            cost += table[right, b + window]
        if cost >= FAR:
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
        depth += 1
        for i in range(m):
            pending[depth, i, 0], pending[depth, i, 1] = pending[depth - 1, i, 0], pending[depth - 1, i, 1]
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
def _best_rows(
    numbers, targets, window, equations, found, size, start, items, first, pairs, table, differences, lists, counts,
    single, kept, keys,
):  # fmt: skip
    """Write the first k solutions of each row with intermediate results in the window. The numbers must be sorted.

    ``equations`` and ``found`` are the output. ``size``, ``start`` and ``items`` are constants. The other arrays are
    the workspace.
    """
    rows, n = numbers.shape
    k = len(keys) - 1
    for row in range(rows):
        given, target = numbers[row], targets[row]
        same = row > 0
        for i in range(1, n):
            same = same and (given[i] == given[i - 1]) == (numbers[row - 1, i] == numbers[row - 1, i - 1])
        if not same:
            list_splits(given, size, first, pairs)
        zero = False
        for i in range(n):
            single[1 << i] = lists[1 << i, 0] = given[i]
            counts[1 << i] = 1
            zero = zero or given[i] == 0
        upto = n - 1 if zero and target == 0 else max(1, n - 2)  # a*0 = 0 needs every a
        for i in range(k + 1):
            keys[i, 0] = keys[i, 1] = np.int64(FAR)
        count = np.int64(0)  # not the literal 0, for which numba would compile the search a second time
        limit, step, adding = window, 1, False  # first find the least largest value, then the least sum under it
        while True:
            least = fill_tables(
                target, table, lists, counts, size, single, first, pairs, limit, adding, upto, start, items, differences
            )
            if not adding:
                if least > window:
                    break
                limit, adding = np.int64(least), True
                continue
            if k == 1:
                keys[0, 0], keys[0, 1] = limit, np.int64(least)
            count = _search(
                given, target, least, kept, keys, count, table, lists, counts, size, single, first, pairs, limit
            )
            if count == k or limit == window:
                break
            limit = min(window, limit + step)
            step *= 2
        found[row] = count
        for i in range(count):
            _copy(kept[i], equations[row, i])


def _workspace(n: int, k: int, window: int) -> tuple[np.ndarray, ...]:
    """Arrays for ``_best_rows``. NumPy allocates them, because numba compiles each allocation for a long time."""
    width = 2 * window + 1
    return (
        np.zeros((1 << n) + 1, np.int64),  # first
        np.zeros((3**n // 2, 2), np.int64),  # pairs
        np.zeros((1 << n, width), np.float32),  # table
        np.zeros(width, np.float32),  # differences
        np.zeros((1 << n, width), np.int32),  # lists
        np.zeros(1 << n, np.int64),  # counts
        np.zeros(1 << n, np.int64),  # single
        np.zeros((k + 1, n - 1, 4), np.int64),  # kept
        np.zeros((k + 1, 2), np.int64),  # keys
    )


def paths(numbers: np.ndarray, targets: np.ndarray, k: int, bound: int) -> tuple[np.ndarray, np.ndarray]:
    """The first k solutions of each puzzle, in normal form, in the order that the module docstring defines.

    Args:
        numbers: integers, shape (rows, n), n from 2 to MAX_NUMBERS; they may repeat within a row.
        targets: integers, shape (rows,).
        k: maximum number of solutions of a puzzle, at least 1.
        bound: upper bound on the absolute value of intermediate results.

    Returns:
        equations, int64 (rows, k, n-1, 4): each (a, operator index in ``+-*/``, b, c); zeros after the last solution.
        found, int64 (rows,): the number of solutions, at most k.

    Raises:
        InputError: n or k is out of range, or a puzzle needs larger intermediate results than MAX_CELLS allows (about
            10^6 with 7 numbers).
    """
    numbers = np.sort(np.asarray(numbers, dtype=np.int64), axis=1)
    targets = np.ascontiguousarray(targets, dtype=np.int64)
    rows, n = numbers.shape
    if not 2 <= n <= MAX_NUMBERS:
        raise InputError(f"canonical solutions need 2 to {MAX_NUMBERS} numbers; got {n}")
    if k < 1:
        raise InputError(f"the number of solutions must be at least 1; got {k}")
    equations, found = np.zeros((rows, k, n - 1, 4), dtype=np.int64), np.zeros(rows, dtype=np.int64)
    size = np.bitwise_count(np.arange(1 << n)).astype(np.int64)
    window, left = min(FIRST_WINDOW, bound), np.arange(rows)
    while len(left):
        some, counts = np.zeros((len(left), k, n - 1, 4), dtype=np.int64), np.zeros(len(left), dtype=np.int64)
        if (2 * window + 1) << n > MAX_CELLS:
            limit = (MAX_CELLS >> n) // 2 - 1
            raise InputError(
                f"canonical solutions of {n} numbers are searched up to intermediate results of {limit}; "
                f"{len(left)} puzzles have fewer than {k} solutions there; lower the bound {bound} to that"
            )
        work = (
            size,
            *divisors(min(max(window, int(np.abs(numbers).max(initial=0))), 1 << 16)),
            *_workspace(n, k, window),
        )
        _best_rows(numbers[left], targets[left], window, some, counts, *work)
        equations[left], found[left] = some, counts
        if window == bound:
            break
        left, window = left[counts < k], min(4 * window, bound)
    return equations, found


def canonical(numbers: np.ndarray, targets: np.ndarray, bound: int) -> tuple[np.ndarray, np.ndarray]:
    """The canonical solution of each puzzle: the first of ``paths``. Arguments and errors as there.

    Returns:
        equations, int64 (rows, n-1, 4): each (a, operator index in ``+-*/``, b, c); zeros if there is no solution.
        found, bool (rows,).
    """
    equations, found = paths(numbers, targets, 1, bound)
    return equations[:, 0], found > 0
