"""The compiled core of the generator: draw puzzles from random bits and keep those that reach a valid target."""

from __future__ import annotations

import numpy as np
from numba import njit

from arith_puzzle.dataset_builder.solver.labels import apply_move


@njit(cache=True, nogil=True)
def _record(a, b, move, c, out):
    """Write the equation of a move (see ``labels.apply_move``), with the larger operand first in + and *."""
    if move == 0 or move == 3:
        out[0], out[1], out[2] = max(a, b), 0 if move == 0 else 2, min(a, b)
    elif move == 1 or move == 4:
        out[0], out[1], out[2] = a, 1 if move == 1 else 3, b
    else:
        out[0], out[1], out[2] = b, 1 if move == 2 else 3, a
    out[3] = c


@njit(cache=True, nogil=True)
def play(words, n, v, bound, at_least, low, high, repeat, numbers, targets, equations):
    """Turn each row of random words into a candidate, and keep those that are valid puzzles.

    A candidate draws n numbers, then n-1 steps. It is kept if its numbers are distinct (unless ``repeat``), each step
    has a legal result and the last result is a target in low..high.

    Args:
        words: uint64 (rows, 2n-1), random bits: one word for each number and each step.
        n: numbers per puzzle.
        v: numbers are in 1..v.
        bound: upper bound on the absolute value of results.
        at_least: lower bound on the largest number.
        low, high: bounds on the target.
        repeat: whether a number may occur more than once.
        numbers, targets, equations: output, int64 (rows, n), (rows,), (rows, n-1, 4). The kept candidates come first.
            An equation is (a, operator index in ``+-*/``, b, c).

    Returns:
        The number of candidates kept.
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
                ok = ok and (repeat or pool[earlier] != pool[k])
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
        if ok and low <= pool[0] <= high:
            targets[kept] = pool[0]
            kept += 1
    return kept
