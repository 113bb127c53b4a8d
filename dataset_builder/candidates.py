"""The compiled inside of generation: play candidates from raw words, and put the kept ones into normal form."""

from __future__ import annotations

import numpy as np
from numba import njit

from arith_puzzle.dataset_builder.solver.labels import apply_move


@njit(cache=True, nogil=True)
def _record(a, b, move, c, out):
    """The equation of a move (see ``solve.apply_move``) with the larger operand first for + and *."""
    if move == 0 or move == 3:
        out[0], out[1], out[2] = max(a, b), 0 if move == 0 else 2, min(a, b)
    elif move == 1 or move == 4:
        out[0], out[1], out[2] = a, 1 if move == 1 else 3, b
    else:
        out[0], out[1], out[2] = b, 1 if move == 2 else 3, a
    out[3] = c


@njit(cache=True, nogil=True)
def play(words, n, v, bound, at_least, numbers, targets, equations):
    """Play each row of ``words`` and keep what reaches a target; returns how many were kept.

    Args:
        words: uint64 (rows, 2n-1): n numbers, then n-1 steps.
        v: numbers and target lie in 1..v. bound: on |result|. at_least: on the largest number.
        numbers, targets, equations: int64 (rows, n), (rows,), (rows, n-1, 4), filled from the front.
    """
    pool = np.empty(n, np.int64)
    legal = np.empty(6, np.int64)
    moves = np.empty(6, np.int64)
    kept = 0
    for row in range(words.shape[0]):
        ok = True
        largest = 0
        for k in range(n):
            pool[k] = 1 + np.int64(((words[row, k] >> np.uint64(32)) * np.uint64(v)) >> np.uint64(32))
            largest = max(largest, pool[k])
            for earlier in range(k):
                ok = ok and pool[earlier] != pool[k]
            numbers[kept, k] = pool[k]
        ok = ok and largest >= at_least
        m = n
        while ok and m > 1:
            word = words[row, 2 * n - m]
            pair = np.int64(((word >> np.uint64(32)) * np.uint64(m * (m - 1) // 2)) >> np.uint64(32))
            i = 0
            while pair >= m - 1 - i:
                pair -= m - 1 - i
                i += 1
            j = i + 1 + pair
            count = 0
            for move in range(6):
                c, good = apply_move(pool[i], pool[j], move)
                if good and -bound <= c <= bound:
                    legal[count] = c
                    moves[count] = move
                    count += 1
            if count == 0:
                ok = False
                break
            chosen = np.int64(((word & np.uint64(0xFFFFFFFF)) * np.uint64(count)) >> np.uint64(32))
            _record(pool[i], pool[j], moves[chosen], legal[chosen], equations[kept, n - m])
            pool[i] = legal[chosen]
            pool[j] = pool[m - 1]
            m -= 1
        if ok and 1 <= pool[0] <= v:
            targets[kept] = pool[0]
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def _before(x, y):
    """Does equation x come before y in the documented order: a descending, b descending, operator?"""
    if x[0] != y[0]:
        return x[0] > y[0]
    if x[2] != y[2]:
        return x[2] > y[2]
    return x[1] < y[1]


@njit(cache=True, nogil=True)
def to_normal_form(numbers, equations):
    """Reorder each row's equations in place as ``puzzle.normal_form`` does.

    Args:
        numbers: int64 (rows, n); equations: int64 (rows, n-1, 4), playable, operands already in order.
    """
    n = numbers.shape[1]
    m = n - 1
    pools = np.zeros((n, n), np.int64)
    choice = np.zeros(n, np.int64)
    used = np.zeros(m, np.bool_)
    ordered = np.zeros((m, 4), np.int64)
    for row in range(numbers.shape[0]):
        steps = equations[row]
        for k in range(1, m):  # insertion sort: few equations
            held = steps[k].copy()
            place = k
            while place > 0 and _before(held, steps[place - 1]):
                steps[place] = steps[place - 1]
                place -= 1
            steps[place] = held
        pools[0] = numbers[row]
        used[:] = False
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
            if not found:  # equal values made a dead end: undo the step before and try the next equation
                depth -= 1
                used[choice[depth]] = False
                choice[depth] += 1
                continue
            choice[depth] = at
            used[at] = True
            ordered[depth] = steps[at]
            k = 0
            for q in range(size):
                if q not in (i, j):
                    pools[depth + 1, k] = pools[depth, q]
                    k += 1
            pools[depth + 1, k] = steps[at, 3]
            depth += 1
            choice[depth] = 0
        equations[row] = ordered
