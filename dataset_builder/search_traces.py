"""Search traces: completions that first show a search for the solution, and then the solution.

    7,20,51,59:21                       the prompt: a puzzle
    59-51=8                             the first attempt begins with one pair of the numbers
    7,8,20:21                           the numbers that are left, written as a puzzle
    20,8:28,14,3:12,28:28-7=21          a pair : wanted values : results of the pair : last equation
    :                                   SEARCH_MARKER on its own line
    59-51=8                             the answer: the equations of the successful attempt
    20+8=28
    28-7=21

The search is a fixed procedure, a sequence of attempts. An attempt first reduces the numbers to three. Each step
combines the two largest numbers: it adds them if the largest is below the target, and else subtracts them. Only the
first step differs between attempts (``list_attempts``). Then the attempt tries the three numbers exhaustively, one line
per pair. The line contains the pair; the values from which the third number makes the target (``_wanted``); and the
results of the pair, by ``- + * /``, up to the first wanted one. If there is a wanted one, the last equation follows and
the attempt succeeds. Products and dividends are at most SEARCH_BOUND. This is a failed attempt:

    50,9:31,29,30:41,59                 50 and 9 have no wanted result; the third number is 1
    50,1:39,21:49,51
    9,1:80,20:8,10
                                        an empty line
    9,10,20,40:30                       the puzzle again, for the next attempt

Each line follows from the few lines before it. So a model can learn to execute the procedure, instead of guessing the
solution. The procedure uses no solver. With V=60, the first attempt solves about half of the puzzles, and the first
twelve attempts solve about nine in ten (``python -m benchmarks search``).

``searches`` writes the traces of puzzles. ``search_walks`` writes fragments of traces, for the pretraining mix.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.puzzle import puzzle_keys
from arith_puzzle.dataset_builder.text import put

SEARCH_VERSION = 6
"""Increase it whenever the text of a search trace changes. Caches of token ids depend on it."""
SEARCH_MARKER = ":"
MIN_NUMBERS, MAX_NUMBERS = 3, 15
SEARCH_BOUND = 100
"""Maximum product and dividend, the range of the multiplication table. Larger ones solve hardly more puzzles (LOG.md),
and a small model computes them wrongly."""
CONTEXT = 4
"""Maximum number of failed attempts in a trace, counted back from the successful one; earlier ones are left out. With
fewer, a model never sees a context full of failed attempts in training, and loses its place in a long search."""
STRAYS = 16
"""Out of 256 failed attempts, the number that take a result that is not wanted. They show a model how the search
continues after such an error."""
_MINUS, _PLUS, _TIMES, _DIVIDE = 0, 1, 2, 3
_BYTES = np.frombuffer(b"-+*/", dtype=np.uint8)
_COMMA, _COLON, _EQUALS, NEWLINE = (np.uint8(ord(c)) for c in ",:=\n")
NUMBER_ROOM = 21
"""Maximum number of characters of a number and the separator after it."""


@njit(cache=True, nogil=True)
def result(y, op, x):
    """``y op x`` for y >= x >= 0, or -1 if the search does not try it."""
    if op == _MINUS:
        return y - x
    if op == _PLUS:
        return y + x
    if op == _TIMES:
        return y * x if x != 1 and y * x <= SEARCH_BOUND else -1
    return y // x if x > 1 and y <= SEARCH_BOUND and y % x == 0 else -1


@njit(cache=True, nogil=True)
def list_attempts(numbers, moves):
    """Write the first step of every attempt into ``moves``, each (hi, lo, operator). Return the number of attempts.

    hi and lo are positions in ``numbers``. First come the differences of all pairs, from the largest numbers down, then
    the sums, then the products. Pairs of equal values come once.
    """
    n, count = len(numbers), 0
    if n == 3:
        return 1
    for op in (_MINUS, _PLUS, _TIMES):
        for hi in range(n - 1, 0, -1):
            for lo in range(hi - 1, -1, -1):
                again = lo + 1 < hi and numbers[lo + 1] == numbers[lo]
                again |= hi + 1 < n and numbers[hi + 1] == numbers[hi]
                if not again and result(numbers[hi], op, numbers[lo]) >= 0:
                    moves[count, 0], moves[count, 1], moves[count, 2] = hi, lo, op
                    count += 1
    return count


@njit(cache=True, nogil=True)
def _wanted(third, target, out):
    """Write every value that makes the target with ``third`` into ``out``. Return their number.

    The order is value-third, then value+third or third-value, then value/third, value*third and third/value.
    """
    out[0], out[1], count = target + third, abs(target - third), 2
    if third > 0 and target * third <= SEARCH_BOUND:
        out[count] = target * third
        count += 1
    if third > 1 and target <= SEARCH_BOUND and target % third == 0:
        out[count] = target // third
        count += 1
    if target > 1 and 0 < third <= SEARCH_BOUND and third % target == 0:
        out[count] = third // target
        count += 1
    return count


@njit(cache=True, nogil=True)
def _last(value, third, target, equation):
    """Write the equation of ``value`` and ``third`` whose result is closest to the target into ``equation``."""
    y, x, best = max(value, third), min(value, third), np.int64(-1)
    for op in range(4):
        if op == _DIVIDE:
            c = y // x if x > 0 and y <= SEARCH_BOUND and y % x == 0 else np.int64(-1)
        elif op == _TIMES:
            c = y * x if y * x <= SEARCH_BOUND else np.int64(-1)
        else:
            c = y - x if op == _MINUS else y + x
        if c >= 0 and (best < 0 or abs(c - target) < abs(best - target)):
            best = c
            equation[0], equation[1], equation[2], equation[3] = y, op, x, c


@njit(cache=True, nogil=True)
def _put_equation(equation, out, at):
    at = put(equation[0], out, at)
    out[at] = _BYTES[equation[1]]
    at = put(equation[2], out, at + 1)
    out[at] = _EQUALS
    at = put(equation[3], out, at + 1)
    out[at] = NEWLINE
    return at + 1


@njit(cache=True, nogil=True)
def _put_puzzle(pool, size, target, out, at):
    for k in range(size):
        at = put(pool[k], out, at)
        out[at] = _COMMA
        at += 1
    out[at - 1] = _COLON
    at = put(target, out, at)
    out[at] = NEWLINE
    return at + 1


@njit(cache=True, nogil=True)
def write_attempt(numbers, target, move, stray, out, at, pool, taken):
    """Write one attempt at position ``at`` of ``out``.

    Args:
        move: the first step, see ``list_attempts``.
        stray: index of a result to take although it is not wanted; -1 for none.
        pool: workspace; it contains the last three numbers afterwards.
        taken: output, the equations.

    Returns:
        (whether the attempt reaches the target, end of the attempt, end of its first equation).
    """
    size, step = len(numbers), 0
    for k in range(size):
        pool[k] = numbers[k]
    begun = at
    while size > 3:
        if step == 0:
            hi, lo, op = move[0], move[1], move[2]
        else:
            hi, lo = size - 1, size - 2
            op = _PLUS if pool[hi] < target else _MINUS
        equation = taken[step]
        equation[0], equation[1], equation[2] = pool[hi], op, pool[lo]
        value = result(pool[hi], op, pool[lo])
        equation[3] = value
        at = _put_equation(equation, out, at)
        if step == 0:
            begun = at
        step += 1
        for k in range(lo, hi - 1):
            pool[k] = pool[k + 1]
        for k in range(hi - 1, size - 2):
            pool[k] = pool[k + 2]
        size -= 1
        k = size - 1
        while k > 0 and pool[k - 1] > value:
            pool[k] = pool[k - 1]
            k -= 1
        pool[k] = value
        at = _put_puzzle(pool, size, target, out, at)
    wanted, place = np.empty(5, np.int64), 0
    for third in range(3):
        hi, lo = (1 if third == 2 else 2), (1 if third == 0 else 0)
        y, x = pool[hi], pool[lo]
        at = put(y, out, at)
        out[at] = _COMMA
        at = put(x, out, at + 1)
        count = _wanted(pool[third], target, wanted)
        for k in range(count):
            out[at] = _COLON if k == 0 else _COMMA
            at = put(wanted[k], out, at + 1)
        for op in range(4):
            value = result(y, op, x)
            if value < 0:
                continue
            out[at] = _COLON if op == _MINUS else _COMMA
            at = put(value, out, at + 1)
            does = False
            for k in range(count):
                does |= wanted[k] == value
            if does or place == stray:
                equation = taken[step]
                equation[0], equation[1], equation[2], equation[3] = y, op, x, value
                _last(value, pool[third], target, taken[step + 1])
                out[at] = _COLON
                return does, _put_equation(taken[step + 1], out, at + 1), begun
            place += 1
        out[at] = NEWLINE
        at += 1
    return False, at, begun


@njit(cache=True, nogil=True)
def draw_byte(state):
    """Draw the next random number: (state, number in 0..255)."""
    state = state + np.uint64(0x9E3779B97F4A7C15)
    h = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state, np.int64((h ^ (h >> np.uint64(31))) >> np.uint64(56))


@njit(cache=True, nogil=True)
def write_search(numbers, target, state, moves, first, last, limit, out, at, pool, taken):
    """Write a trace with the attempts ``first`` to ``last`` of ``moves``. It stops early after ``limit`` characters.

    If attempts before ``first`` are left out, the prompt contains the first equation of attempt ``first``, because the
    puzzle alone does not determine it.

    Returns:
        (whether the last attempt reaches the target, end of the prompt, end of the trace).
    """
    n, begin = len(numbers), at
    at = prompt = _put_puzzle(numbers, n, target, out, at)
    for index in range(first, last + 1):
        if index > first:
            out[at] = NEWLINE
            at = _put_puzzle(numbers, n, target, out, at + 1)
        state, chance = draw_byte(state)
        state, place = draw_byte(state)
        stray = place % 8 if chance < STRAYS and index < last else -1
        found, at, begun = write_attempt(numbers, target, moves[index], stray, out, at, pool, taken)
        if index == first and first > 0:
            prompt = begun
        if found:
            out[at], out[at + 1] = _COLON, NEWLINE
            at += 2
            for step in range(n - 1):
                at = _put_equation(taken[step], out, at)
            return True, prompt, at - 1
        if at - begin > limit:
            break
    return False, prompt, at


@njit(cache=True, nogil=True)
def _found_by(numbers, target, moves, count, scratch, pool, taken):
    """The index of the first attempt that reaches the target, or -1."""
    none, start = np.int64(-1), np.int64(0)  # numba would compile ``write_attempt`` once more for literals
    for index in range(count):
        if write_attempt(numbers, target, moves[index], none, scratch, start, pool, taken)[0]:
            return index
    return -1


@njit(cache=True, nogil=True)
def _write_searches(numbers, targets, keys, context, out, offsets, found):
    n = numbers.shape[1]
    pool, taken, at = np.zeros(n, np.int64), np.zeros((n - 1, 4), np.int64), np.int64(0)
    scratch, moves = np.empty(NUMBER_ROOM * (n + 4) * (n + 4), np.uint8), np.zeros((most_attempts(n), 3), np.int64)
    for row in range(numbers.shape[0]):
        count = list_attempts(numbers[row], moves)
        index = found[row] = _found_by(numbers[row], targets[row], moves, count, scratch, pool, taken)
        offsets[2 * row + 1] = at
        if index >= 0:
            first = max(0, index - context)
            _, offsets[2 * row + 1], at = write_search(
                numbers[row], targets[row], keys[row], moves, first, index, 1 << 40, out, at, pool, taken
            )
        offsets[2 * row + 2] = at


@njit(cache=True, nogil=True)
def most_attempts(n):
    """Maximum number of attempts with n numbers: three for each pair, or one if n is 3."""
    return 3 * n * (n - 1) // 2 if n > 3 else 1


def check_puzzles(numbers: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same puzzles as contiguous int64 arrays (rows, n), (rows,). Raises InputError for puzzles without a trace."""
    numbers, targets = np.ascontiguousarray(numbers, np.int64), np.ascontiguousarray(targets, np.int64)
    if not MIN_NUMBERS <= numbers.shape[1] <= MAX_NUMBERS:
        raise InputError(f"a search needs {MIN_NUMBERS} to {MAX_NUMBERS} numbers; got {numbers.shape[1]}")
    if len(numbers) and min(numbers.min(), targets.min()) < 1:
        raise InputError("a search needs positive numbers and targets; remove the puzzles with others")
    return numbers, targets


def to_strings(out: np.ndarray, offsets: np.ndarray) -> tuple[pa.StringArray, pa.StringArray]:
    """Prompts and completions as Arrow arrays.

    Args:
        out: uint8, the texts: the prompt and the completion of each row, one after another.
        offsets: int64 (2 rows + 1,), where each text begins.
    """
    buffers = pa.py_buffer(offsets), pa.py_buffer(out[: offsets[-1]])
    texts = pa.LargeStringArray.from_buffers(len(offsets) - 1, *buffers).cast(pa.string())
    return texts[::2], texts[1::2]


def answers(traces: pa.StringArray) -> pa.StringArray:
    """The answers at the end of search traces, without the search; an empty trace stays empty."""
    return pc.replace_substring_regex(traces, rf"(?s)^.*\n{SEARCH_MARKER}\n", "")


def searches(
    numbers: np.ndarray, targets: np.ndarray, *, context: int | None = CONTEXT
) -> tuple[pa.StringArray, pa.StringArray, np.ndarray]:
    """The search traces of puzzles. The trace of a puzzle depends only on the puzzle.

    Args:
        numbers: positive integers, shape (rows, n), n from 3 to 15, ascending in each row.
        targets: positive integers, shape (rows,).
        context: maximum number of failed attempts before the successful one; None: all of them. If some are left out,
            the prompt ends with the first equation of the trace.

    Returns:
        prompts; completions; index of the successful attempt, int64 (rows,). If no attempt succeeds, the index is -1
        and the texts are empty.

    Raises:
        InputError: n is out of range, or a number or target is not positive.
    """
    numbers, targets = check_puzzles(numbers, targets)
    rows, n = numbers.shape
    found, offsets, keys = np.empty(rows, np.int64), np.zeros(2 * rows + 1, np.int64), puzzle_keys(numbers, targets)
    context = most_attempts(n) if context is None else context
    shown = min(context + 1, most_attempts(n))
    out = np.empty(rows * shown * attempt_room(numbers, targets), np.uint8)
    _write_searches(numbers, targets, keys, context, out, offsets, found)
    return *to_strings(out, offsets), found


def attempt_room(numbers: np.ndarray, targets: np.ndarray) -> int:
    """Upper bound on the characters of an attempt with its puzzle and its answer."""
    n = numbers.shape[1]
    top = int(max(numbers.max(initial=1), targets.max(initial=1), SEARCH_BOUND)) * n
    digits = len(str(top)) + 1
    return digits * ((n + 1) * (n + 4) // 2 + 8 * n + 60)
