"""The normal form of many solutions, by compiled code: the result equals that of ``puzzle.normal_form``.

The functions copy arrays entry by entry, because numba compiles such loops several times faster than slices.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def comes_before(x, y):
    """Whether equation x comes before y: larger left operand, then larger right operand, then operator ``+ - * /``."""
    if x[0] != y[0]:
        return x[0] > y[0]
    if x[2] != y[2]:
        return x[2] > y[2]
    return x[1] < y[1]


@njit(cache=True, nogil=True)
def to_normal_form(numbers, equations):
    """Reorder the equations of each row in place.

    Args:
        numbers: int64 (rows, n).
        equations: int64 (rows, n-1, 4), each (a, operator index in ``+-*/``, b, c). Each row must be a solution of its
            numbers, with the larger operand first in ``+`` and ``*``.
    """
    n = numbers.shape[1]
    m = n - 1
    pools = np.zeros((n, n), np.int64)
    choice = np.zeros(n, np.int64)
    used = np.zeros(m, np.bool_)
    ordered = np.zeros((m, 4), np.int64)
    for row in range(numbers.shape[0]):
        steps = equations[row]
        for k in range(1, m):  # insertion sort, because there are few equations
            place = k
            while place > 0 and comes_before(steps[place], steps[place - 1]):
                for i in range(4):
                    steps[place, i], steps[place - 1, i] = steps[place - 1, i], steps[place, i]
                place -= 1
        for k in range(n):
            pools[0, k] = numbers[row, k]
        for k in range(m):
            used[k] = False
        choice[0] = 0
        depth = 0
        while depth < m:
            size = n - depth
            at = choice[depth]
            found = False
            while at < m and not found:
                if used[at]:
                    at += 1
                    continue
                i = j = -1
                for k in range(size):
                    if i < 0 and pools[depth, k] == steps[at, 0]:
                        i = k
                    elif j < 0 and pools[depth, k] == steps[at, 2]:
                        j = k
                found = i >= 0 and j >= 0
                if not found:
                    at += 1
            if not found:  # an earlier step took one of several equal values: undo it and try the next equation
                depth -= 1
                used[choice[depth]] = False
                choice[depth] += 1
                continue
            choice[depth] = at
            used[at] = True
            for k in range(4):
                ordered[depth, k] = steps[at, k]
            k = 0
            for q in range(size):
                if q != i and q != j:
                    pools[depth + 1, k] = pools[depth, q]
                    k += 1
            pools[depth + 1, k] = steps[at, 3]
            depth += 1
            choice[depth] = 0
        for k in range(m):
            for i in range(4):
                steps[k, i] = ordered[k, i]
