"""Answers that search before they answer: what is tried, one equation at a time, and then the solution.

    7,20,51,59:21                       the prompt
    59-51=8                             tried: taken at once
    7,8,20:21:59-51=8                   what is left, a puzzle of its own, and the way to it
    20-8=12                             tried: taken, wrongly
    7,12:21:59-51=8,20-8=12
    12-7=5,12+7=19,12*7=84,             none of it is the target, and there is nothing else to try
    7,8,20:21:59-51=8                   back to the puzzle before
    20-8=12,20+8=28                     what was tried there last, now known to be wrong, and on from it
    7,28:21:59-51=8,20+8=28
    28-7=21                             the target
    :                                   SEARCH_MARKER, alone on a line
    59-51=8                             the strict answer: the way, and the last equation
    20+8=28
    28-7=21

The puzzles on the way are written as prompts are, with the equations that were taken behind them. Their candidates come
in one fixed order (``_candidate``): a comma behind one says that the rest cannot reach the target, a newline takes it.
All that a search stands on is in its last two lines: what to try next follows from the puzzle and from what was tried
last; to go back is to undo the last equation of the way; the answer is the way. Nothing has to be remembered. The
candidates are a part of all that the rules allow, a small one where many numbers are left; a puzzle that they cannot
solve is searched ``wide``. Values are never negative: where the target is positive, every solution can be written
without (a sign can always be pushed to the end). So a solver's exact look-ahead labels every candidate, which is many
decisions a row instead of one, and a wrong one costs a detour and not the answer.

Of the candidates that a perfect search would leave alone a few are taken all the same, and a few that it would take are
passed over, by a hash of the puzzle: else no row would show how to turn back.

``walks`` are pieces of searches with decisions that are drawn: how to search, not what to find.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numba import njit

from dataset_builder.errors import InputError
from dataset_builder.puzzle import puzzle_keys
from dataset_builder.solve import BOUND_FACTOR
from dataset_builder.text import put

SEARCH_VERSION = 4
"""Raised whenever a search comes to be written otherwise; caches of token ids depend on it."""
SEARCH_MARKER = ":"
MAX_NUMBERS = 15
MAX_CHARACTERS = 100
"""Of a search with detours, for each of its numbers; one that grows longer is written without them."""
SEARCH_BOUND = BOUND_FACTOR * 60
"""The largest product that a wide search tries: what the dataset's training puzzles (V=60) need."""
FACTOR = 9
"""The largest number to multiply with and to divide by, except in a wide search."""
TAKEN_WRONGLY = np.array([0, 0, 0, 24, 20, 48, 24] + [12] * (MAX_NUMBERS - 6))
"""Of 256 candidates that lead nowhere, how many are taken, by how many numbers there are: about what a model does."""
PASSED_OVER = 24
"""Of 256 candidates that lead to the target, how many are passed over (below the first level, where it would end)."""
WALKED = 128
"""Of 256 candidates of a walk, how many are taken: a half, which says nothing of which."""
_MINUS, _DIVIDE, _PLUS, _TIMES = 0, 1, 2, 3
_BYTES = np.frombuffer(b"-/+*", dtype=np.uint8)
_COMMA, _COLON, _EQUALS, _NEWLINE = (np.uint8(ord(c)) for c in ",:=\n")
_MOVES = 4
_FOUND, _NOTHING, _TOO_LONG = 0, 1, 2


@njit(cache=True, nogil=True)
def _candidate(pool, size, index, wide):
    """Candidate ``index`` of an ascending pool: (hi, lo, operator, result); hi -1 if left out, -2 past the end.

    Pairs from the largest number down, of each ``- / + *``. Of five numbers and more only pairs with the largest;
    of four and more only ``-`` and ``+``. Left out are also quotients that are not whole, factors above ``FACTOR``, and
    what another candidate does as well. ``wide``: all pairs and operators, products up to ``SEARCH_BOUND``.
    """
    pair, op = index // _MOVES, index % _MOVES
    hi = size - 1
    while hi > 0 and pair >= hi:
        pair -= hi
        hi -= 1
    if hi <= 0 or (size > 4 and hi < size - 1 and not wide):
        return -2, 0, 0, 0
    lo = hi - 1 - pair
    y, x = pool[hi], pool[lo]
    if (lo + 1 < hi and pool[lo + 1] == x) or (hi + 1 < size and pool[hi + 1] == y):
        return -1, 0, 0, 0
    if op == _MINUS:
        return hi, lo, op, y - x
    if op == _PLUS:
        if x > 0:
            return hi, lo, op, x + y
    elif wide or (size < 4 and x <= FACTOR):
        if op == _DIVIDE:
            if x > 0 and y % x == 0:
                return hi, lo, op, y // x
        elif x != 1 and (x * y <= SEARCH_BOUND or not wide):
            return hi, lo, op, x * y
    return -1, 0, 0, 0


@njit(cache=True, nogil=True)
def _without(pool, size, hi, lo, value, out):
    """``pool`` less its places hi and lo plus ``value``, ascending, in ``out``."""
    at, placed = 0, False
    for k in range(size):
        if k in (hi, lo):
            continue
        if not placed and pool[k] >= value:
            out[at] = value
            at += 1
            placed = True
        out[at] = pool[k]
        at += 1
    if not placed:
        out[at] = value


@njit(cache=True, nogil=True)
def _solvable(pool, size, target, wide, pools, cursors):
    """Can the first ``size`` numbers of ``pool`` reach the target? A depth-first search on explicit stacks."""
    if size == 1:
        return pool[0] == target
    pools[size, :size] = pool[:size]
    cursors[size] = 0
    level = size
    while level <= size:
        hi, lo, _, value = _candidate(pools[level], level, cursors[level], wide)
        cursors[level] += 1
        if hi == -2:
            level += 1
        elif hi >= 0:
            if level == 2:
                if value == target:
                    return True
                continue
            level -= 1
            _without(pools[level + 1], level + 1, hi, lo, value, pools[level])
            cursors[level] = 0
    return False


@njit(cache=True, nogil=True)
def _chance(state):
    """The next of a stream of hashes: (state, 0..255)."""
    state = state + np.uint64(0x9E3779B97F4A7C15)
    h = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state, (h ^ (h >> np.uint64(31))) >> np.uint64(56)


@njit(cache=True, nogil=True)
def _put_equation(equation, out, at):
    at = put(equation[0], out, at)
    out[at] = _BYTES[equation[1]]
    at = put(equation[2], out, at + 1)
    out[at] = _EQUALS
    return put(equation[3], out, at + 1)


@njit(cache=True, nogil=True)
def _put_puzzle(pool, size, target, taken, n, out, at):
    """What is left, the target, and the equations that led here from all ``n`` numbers."""
    for k in range(size):
        at = put(pool[k], out, at)
        out[at] = _COMMA
        at += 1
    out[at - 1] = _COLON
    at = put(target, out, at)
    for step in range(n, size, -1):
        out[at] = _COLON if step == n else _COMMA
        at = _put_equation(taken[step], out, at + 1)
    out[at] = _NEWLINE
    return at + 1


@njit(cache=True, nogil=True)
def _write(
    numbers, target, key, wide, detours, skipped, reached, limit, out, at, pools, stack, cursors, below, taken
):  # fmt: skip
    """One search, from ``at`` up to its end, its way in ``taken``: (how it ended, where, where its prompt ends).

    A walk has ``skipped`` levels behind it (-1: no walk), which its prompt tells; it ends as it grows past ``limit`` or
    takes the target. ``reached``: how many results ended a way, and one of them, drawn.
    """
    n, state, begin, walk = len(numbers), key, at, skipped >= 0
    drawn = ~key
    pools[n, :n] = numbers
    cursors[n] = 0
    level, passed = n, np.zeros(n + 1, np.int64)
    for _ in range(skipped):
        count, index = 0, 0
        while True:
            hi, lo, op, value = _candidate(pools[level], level, index, wide)
            if hi == -2:
                break
            index += 1
            count += hi >= 0
        drawn, chance = _chance(drawn)
        place, index = np.int64(chance) * count >> 8, -1
        while place >= 0:
            index += 1
            hi, lo, op, value = _candidate(pools[level], level, index, wide)
            place -= hi >= 0
        cursors[level] = index + 1
        equation = taken[level]
        equation[0], equation[1], equation[2], equation[3] = pools[level, hi], op, pools[level, lo], value
        _without(pools[level], level, hi, lo, value, pools[level - 1])
        level -= 1
        cursors[level] = 0
    if walk:
        at = _put_puzzle(pools[level], level, target, taken, n, out, at)
    prompt = at
    while True:
        hi, lo, op, value = _candidate(pools[level], level, cursors[level], wide)
        cursors[level] += 1
        if hi == -1:
            continue
        if hi == -2:  # nothing leads on from here
            out[at] = _NEWLINE
            level += 1
            if level > n:
                return _NOTHING, at, prompt
            at = _put_puzzle(pools[level], level, target, taken, n, out, at + 1)
            at = _put_equation(taken[level], out, at)
            out[at] = _COMMA
            at += 1
            continue
        if (detours or walk) and at - begin > limit:
            return _TOO_LONG, at, prompt
        equation = taken[level]
        equation[0], equation[1], equation[2], equation[3] = pools[level, hi], op, pools[level, lo], value
        at = _put_equation(equation, out, at)
        _without(pools[level], level, hi, lo, value, pools[level - 1])
        if walk and level == 2:
            enter = value == target
            if value > 0:
                drawn, chance = _chance(drawn)
                reached[0] += 1
                if np.int64(chance) * reached[0] < 256:
                    reached[1] = value
        elif walk:
            state, chance = _chance(state)
            enter = chance < WALKED
        else:
            enter = _solvable(pools[level - 1], level - 1, target, wide, stack, below)
            if detours and level > 2:
                state, chance = _chance(state)
                if not enter:
                    enter = chance < TAKEN_WRONGLY[level]
                elif level < n and passed[level] == 0 and chance < PASSED_OVER:
                    enter = False
                    passed[level] = 1
        if not enter:
            out[at] = _COMMA
            at += 1
            continue
        if level == 2:
            return _FOUND, at, prompt
        out[at] = _NEWLINE
        at += 1
        level -= 1
        cursors[level] = 0
        passed[level] = 0
        at = _put_puzzle(pools[level], level, target, taken, n, out, at)


@njit(cache=True, nogil=True)
def _put_answer(taken, n, last, out, at):
    """The marker and the way, from the first equation to that of ``last`` numbers."""
    out[at], out[at + 1], out[at + 2] = _NEWLINE, _COLON, _NEWLINE
    at += 3
    for step in range(n, last - 1, -1):
        at = _put_equation(taken[step], out, at)
        out[at] = _NEWLINE
        at += 1
    return at


@njit(cache=True, nogil=True)
def _write_searches(numbers, targets, keys, detours, limit, out, offsets):
    """The row that has no search, or -1; how far the text goes is ``offsets[-1]``."""
    n = numbers.shape[1]
    pools, stack = np.zeros((n + 1, n + 1), np.int64), np.zeros((n + 1, n + 1), np.int64)
    cursors, below = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    taken, reached = np.zeros((n + 1, 4), np.int64), np.zeros(2, np.int64)
    for row in range(numbers.shape[0]):
        target = targets[row]
        for attempt in range(3):
            wide, strays = attempt == 2, detours and attempt == 0
            if not wide and not _solvable(numbers[row], n, target, wide, stack, below):
                continue
            end, at, _ = _write(
                numbers[row], target, keys[row], wide, strays, -1, reached, limit, out, offsets[row],
                pools, stack, cursors, below, taken,
            )  # fmt: skip
            if end == _FOUND:
                break
        else:
            return row
        offsets[row + 1] = _put_answer(taken, n, 2, out, at) - 1
    return -1


@njit(cache=True, nogil=True)
def _write_walks(numbers, targets, keys, limit, out, offsets):
    """The row that has no walk within the limit, or -1. ``offsets``: of each walk's prompt and completion in turn."""
    n = numbers.shape[1]
    pools, stack = np.zeros((n + 1, n + 1), np.int64), np.zeros((n + 1, n + 1), np.int64)
    cursors, below = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    taken, reached = np.zeros((n + 1, 4), np.int64), np.zeros(2, np.int64)
    for row in range(numbers.shape[0]):
        begin, target = offsets[2 * row], targets[row]
        state, chance = _chance(keys[row])
        skipped = np.int64(chance) * (n - 1) >> 8
        state, chance = _chance(state)
        reached[:] = 0
        for attempt in range(2):
            if attempt == 1:
                if chance >= 128 or reached[0] == 0:
                    break
                target = reached[1]
            end, at, prompt = _write(
                numbers[row], target, state, False, False, skipped, reached, limit, out, begin,
                pools, stack, cursors, below, taken,
            )  # fmt: skip
        if end == _FOUND:
            at = _put_answer(taken, n, 3, out, at)
        if end != _FOUND or at - begin > limit:
            while out[at - 1] != _COMMA or at - begin > limit:
                at -= 1
        if at <= prompt:
            return row
        offsets[2 * row + 1], offsets[2 * row + 2] = prompt, at
    return -1


def _checked(numbers: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    numbers, targets = np.ascontiguousarray(numbers, np.int64), np.ascontiguousarray(targets, np.int64)
    if not 2 <= numbers.shape[1] <= MAX_NUMBERS:
        raise InputError(f"a search takes 2 to {MAX_NUMBERS} numbers; got {numbers.shape[1]}")
    if len(numbers) and min(numbers.min(), targets.min()) < 1:
        raise InputError("a search takes positive numbers and targets")
    return numbers, targets


def _strings(out: np.ndarray, offsets: np.ndarray) -> pa.StringArray:
    buffers = pa.py_buffer(offsets), pa.py_buffer(out[: offsets[-1]])
    return pa.LargeStringArray.from_buffers(len(offsets) - 1, *buffers).cast(pa.string())


def searches(numbers: np.ndarray, targets: np.ndarray, *, detours: bool = True) -> pa.StringArray:
    """The completions of puzzles that search before they answer; a pure function of the puzzle.

    Args:
        numbers: positive integers, shape (rows, n), n from 2 to 15, ascending in each row; targets: positive, (rows,).
        detours: take a few candidates wrongly and pass a few over.

    Raises:
        InputError: n, a number or a target that is not positive, or a puzzle that cannot be solved without products
            above ``SEARCH_BOUND``.
    """
    numbers, targets = _checked(numbers, targets)
    rows, n = numbers.shape
    out = np.empty(rows * 6 * n * MAX_CHARACTERS, np.uint8)  # without detours none comes near
    offsets = np.zeros(rows + 1, np.int64)
    keys = puzzle_keys(numbers, targets)
    row = _write_searches(numbers, targets, keys, detours, n * MAX_CHARACTERS, out, offsets)
    if row >= 0:
        raise InputError(f"{numbers[row].tolist()} cannot reach {targets[row]}, with products up to {SEARCH_BOUND}")
    return _strings(out, offsets)


def walks(
    numbers: np.ndarray, targets: np.ndarray, keys: np.ndarray, characters: int
) -> tuple[pa.StringArray, pa.StringArray]:
    """Pieces of searches that know nothing: what is taken and what is left is drawn, whatever the target.

    They teach the order of the candidates, their results, what is left and the way back, for any numbers; nothing
    of which candidates lead to a target. Each begins with any puzzle on the way, its prompt, and ends unfinished: with
    a comma or, if it finds the target, with the newline behind the last equation but one of its answer.

    Args:
        numbers: positive integers, shape (rows, n), n from 3 to 15, ascending in each row; targets: positive, (rows,).
            Half of the targets make room for a number that the walk comes upon.
        keys: of the draws, uint64, shape (rows,).
        characters: the most that prompt and completion have together.

    Returns:
        Prompts and completions.

    Raises:
        InputError: n, a number or a target that is not positive, or too few characters for any walk.
    """
    numbers, targets = _checked(numbers, targets)
    rows, n = numbers.shape
    out = np.empty(rows * (characters + 60 * n) + 60 * n, np.uint8)  # a puzzle with its way has less than 60n
    offsets = np.zeros(2 * rows + 1, np.int64)
    row = _write_walks(numbers, targets, keys, characters, out, offsets)
    if row >= 0:
        raise InputError(f"{characters} characters are too few for a walk through {numbers[row].tolist()}; give more")
    texts = _strings(out, offsets)
    return texts[::2], texts[1::2]
