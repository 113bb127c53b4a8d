"""Walks: fragments of search traces, for the pretraining mix. They teach a base the search procedure on many numbers.

A walk begins at any attempt of a search and may end before the search reaches the target. ``search_traces`` describes
the procedure and the text.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numba import njit

from arith_puzzle.dataset_builder.search_traces import (
    NEWLINE,
    NUMBER_ROOM,
    attempt_room,
    check_puzzles,
    draw_byte,
    list_attempts,
    most_attempts,
    result,
    to_strings,
    write_attempt,
    write_search,
)


@njit(cache=True, nogil=True)
def _choose_first(state, count):
    """Draw the attempt at which a fragment begins: (state, index below ``count``).

    It is not the first attempt, unless there is only one: the prompt of the first attempt is a puzzle to solve, and the
    completion of a puzzle must contain its solution.
    """
    state, chance = draw_byte(state)
    return state, (1 + (chance * (count - 1) >> 8) if count > 1 else 0)


@njit(cache=True, nogil=True)
def _write_walks(numbers, targets, keys, limit, out, offsets):
    n = numbers.shape[1]
    pool, taken, at = np.zeros(n, np.int64), np.zeros((n - 1, 4), np.int64), np.int64(0)
    moves = np.zeros((most_attempts(n), 3), np.int64)
    for row in range(numbers.shape[0]):
        begin, count = at, list_attempts(numbers[row], moves)
        state, first = _choose_first(keys[row], count)
        _, prompt, at = write_search(
            numbers[row], targets[row], state, moves, first, count - 1, limit, out, at, pool, taken
        )
        if at - begin > limit:
            at = max(begin + limit, prompt)
            while at > prompt and out[at - 1] != NEWLINE:
                at -= 1
        offsets[2 * row + 1], offsets[2 * row + 2] = prompt, at


@njit(cache=True, nogil=True)
def _adjust_targets(numbers, targets, keys):
    """Replace ``targets`` by values that the first attempt of the fragment reaches, or nearly reaches."""
    n = numbers.shape[1]
    pool, taken = np.zeros(n, np.int64), np.zeros((n - 1, 4), np.int64)
    scratch, moves = np.empty(NUMBER_ROOM * (n + 4) * (n + 4), np.uint8), np.zeros((most_attempts(n), 3), np.int64)
    none, start = np.int64(-1), np.int64(0)
    for row in range(numbers.shape[0]):
        state, first = _choose_first(keys[row], list_attempts(numbers[row], moves))
        for _ in range(3):
            if write_attempt(numbers[row], targets[row], moves[first], none, scratch, start, pool, taken)[0]:
                break
            state, third = draw_byte(state)
            state, op = draw_byte(state)
            state, sign = draw_byte(state)
            third %= 3
            hi, lo = (1 if third == 2 else 2), (1 if third == 0 else 0)
            value = max(result(pool[hi], op % 4, pool[lo]), pool[hi] - pool[lo])
            targets[row] = max(1, value + pool[third] if sign < 100 else abs(value - pool[third]))


def walks(
    numbers: np.ndarray, targets: np.ndarray, keys: np.ndarray, characters: int
) -> tuple[pa.StringArray, pa.StringArray]:
    """Fragments of search traces: the procedure from any attempt on. A fragment need not reach the target.

    The prompt is the puzzle and the first equation of an attempt other than the first. So a fragment differs from a
    puzzle to solve, whose prompt has no equation. Three numbers have only one attempt; their prompt is the puzzle. The
    completion ends with the answer if an attempt reaches the target, and else after any line.

    Args:
        numbers: positive integers, shape (rows, n), n from 3 to 15, ascending in each row.
        targets: positive integers, shape (rows,).
        keys: random keys, uint64, shape (rows,).
        characters: maximum length of prompt and completion together. If the prompt alone is longer, the completion is
            empty.

    Returns:
        prompts, completions.

    Raises:
        InputError: n is out of range, or a number or target is not positive.
    """
    numbers, targets = check_puzzles(numbers, targets)
    rows = len(numbers)
    room = characters + 2 * attempt_room(numbers, targets)
    out, offsets = np.empty(rows * room, np.uint8), np.zeros(2 * rows + 1, np.int64)
    _write_walks(numbers, targets, keys, characters, out, offsets)
    return to_strings(out, offsets)


def within_reach(numbers: np.ndarray, targets: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Other targets for ``walks``, int64 (rows,): most fragments of these numbers and keys reach them at once."""
    numbers, targets = check_puzzles(numbers, targets)
    targets = targets.copy()
    _adjust_targets(numbers, targets, keys)
    return targets
