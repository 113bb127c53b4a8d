"""Draw puzzles by rules other than the paper's: numbers left out, other divisions, some of the operations.

``candidates`` draws the paper's puzzles, faster. Here every value is a fraction in lowest terms, numerator and
denominator, so one compiled loop serves all divisions.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
from numba import njit

from arith_puzzle.dataset_builder.puzzle import OPERATORS, completion, normal_form
from arith_puzzle.metrics.arith_puzzle_verifier.verify import DIVISIONS, Equation, needed_steps, to_expression


@njit(cache=True, nogil=True)
def _gcd(a, b):
    while b:
        a, b = b, a % b
    return abs(a)


@njit(cache=True, nogil=True)
def _apply(a, a_under, b, b_under, op, division):
    """Apply one of ``+-*/`` (0 to 3) to two fractions; return (numerator, denominator, whether it is legal)."""
    if op == 0:
        c, under = a * b_under + b * a_under, a_under * b_under
    elif op == 1:
        c, under = a * b_under - b * a_under, a_under * b_under
    elif op == 2:
        c, under = a * b, a_under * b_under
    elif b == 0:
        return 0, 1, False
    elif division == 2:
        c, under = a * b_under, a_under * b
    else:  # without fractions all denominators are 1
        if division == 0 and a % b != 0:
            return 0, 1, False
        c = abs(a) // abs(b)
        return (c if (a < 0) == (b < 0) else -c), 1, True
    common = _gcd(c, under)
    if under < 0:
        common = -common
    return c // common, under // common, True


@njit(cache=True, nogil=True)
def play_by_rules(
    words, n, v, bound, at_least, low, high, repeat, subset, division, allowed, numbers, targets, equations
):
    """As ``candidates.play``, by other rules: turn rows of random words into candidates, and keep valid puzzles.

    A candidate draws n numbers, under ``subset`` how many of them it uses (2 to n, the first ones), and then a step for
    each but one of these. The target of a puzzle with ``subset`` is none of its numbers.

    Args:
        words: uint64 (rows, 2n), random bits.
        bound: upper bound on the absolute value of numerators and denominators.
        subset: whether numbers may be left out.
        division: 0 exact, 1 integer, 2 rational.
        allowed: bool (4,), which of ``+-*/`` may be used.
        n, v, at_least, low, high, repeat, numbers, targets: as in ``candidates.play``.
        equations: output, int64 (rows, n-1, 7): numerator and denominator of a, operator, those of b, those of c. The
            operator is -1 after the last step.

    Returns:
        The number of candidates kept.
    """
    pool = np.empty((n, 2), np.int64)
    legal = np.empty((6, 2), np.int64)
    moves = np.empty(6, np.int64)
    kept = 0
    for row in range(words.shape[0]):
        ok = True
        largest = 0
        for k in range(n):
            pool[k, 0] = 1 + np.int64(((words[row, k] >> np.uint64(32)) * np.uint64(v)) >> np.uint64(32))
            pool[k, 1] = 1
            largest = max(largest, pool[k, 0])
            for earlier in range(k):
                ok = ok and (repeat or pool[earlier, 0] != pool[k, 0])
            numbers[kept, k] = pool[k, 0]
        ok = ok and largest >= at_least
        m = n
        if subset:
            m = 2 + np.int64(((words[row, 2 * n - 1] >> np.uint64(32)) * np.uint64(n - 1)) >> np.uint64(32))
        step = 0
        while ok and m > 1:
            word = words[row, n + step]
            pair = np.int64(((word >> np.uint64(32)) * np.uint64(m * (m - 1) // 2)) >> np.uint64(32))
            i = 0
            while pair >= m - 1 - i:
                pair -= m - 1 - i
                i += 1
            j = i + 1 + pair
            count = 0
            for move in range(6):  # a+b a-b b-a a*b a/b b/a
                op = (0, 1, 1, 2, 3, 3)[move]
                x, y = (j, i) if move == 2 or move == 5 else (i, j)
                if allowed[op]:
                    c, under, good = _apply(pool[x, 0], pool[x, 1], pool[y, 0], pool[y, 1], op, division)
                    if good and -bound <= c <= bound and under <= bound:
                        legal[count, 0], legal[count, 1], moves[count] = c, under, move
                        count += 1
            if count == 0:
                ok = False
                break
            chosen = np.int64(((word & np.uint64(0xFFFFFFFF)) * np.uint64(count)) >> np.uint64(32))
            move = moves[chosen]
            x, y = (j, i) if move == 2 or move == 5 else (i, j)
            out = equations[kept, step]
            out[0], out[1], out[2] = pool[x, 0], pool[x, 1], (0, 1, 1, 2, 3, 3)[move]
            out[3], out[4] = pool[y, 0], pool[y, 1]
            out[5], out[6] = legal[chosen, 0], legal[chosen, 1]
            pool[i, 0], pool[i, 1] = legal[chosen, 0], legal[chosen, 1]
            pool[j, 0], pool[j, 1] = pool[m - 1, 0], pool[m - 1, 1]
            m -= 1
            step += 1
        if step < n - 1:
            equations[kept, step, 2] = -1
        if ok and pool[0, 1] == 1 and low <= pool[0, 0] <= high:
            if subset:
                for k in range(n):
                    ok = ok and numbers[kept, k] != pool[0, 0]
            if ok:
                targets[kept] = pool[0, 0]
                kept += 1
    return kept


def solution_texts(numbers: np.ndarray, equations: np.ndarray, form: str) -> list[str]:
    """The solutions that ``play_by_rules`` drew, as ``verify`` reads them.

    Args:
        numbers: int64 (rows, n).
        equations: int64 (rows, n-1, 7).
        form: "equations" (in normal form) or "expression".
    """
    texts = []
    for given, steps in zip(numbers.tolist(), equations.tolist(), strict=True):
        solution: list[Equation] = []
        for a, a_under, op, b, b_under, c, c_under in steps:
            if op < 0:
                break
            solution.append((_value(a, a_under), OPERATORS[op], _value(b, b_under), _value(c, c_under)))
        # played with the numbers that it uses alone, the last equation gives the target
        used: Counter[int | Fraction] = Counter([value for a, _, b, _ in solution for value in (a, b)])
        used.subtract([c for *_, c in solution[:-1]])
        ordered = needed_steps(given, normal_form(list(used.elements()), solution))
        texts.append(to_expression(given, ordered) if form == "expression" else completion(ordered))
    return texts


def _value(numerator: int, denominator: int) -> int | Fraction:
    return numerator if denominator == 1 else Fraction(numerator, denominator)


def draw_options(operations: str, rule: str, division: str) -> tuple[bool, int, np.ndarray]:
    """The arguments ``subset``, ``division`` and ``allowed`` of ``play_by_rules``."""
    return rule == "subset", DIVISIONS.index(division), np.array([op in operations for op in OPERATORS])
