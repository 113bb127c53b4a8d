"""Answers that search before they answer: attempts by one fixed rule, and then the solution.

    7,20,51,59:21                       the prompt, a puzzle of more than three numbers
    59-51=8                             the first attempt: the first pair of the numbers
    7,8,20:21                           what is left, a puzzle of its own
    20,8:28,14,3:12,28:28-7=21          a pair, what would do, what it makes; the last of it does: 28-7=21
    :                                   SEARCH_MARKER, alone on a line
    59-51=8                             the strict answer: the equations of that attempt
    20+8=28
    28-7=21

An attempt brings the numbers down to three, always by the two largest: their sum where the largest is below the
target, else their difference; only its first pair is another one in each attempt (``_first_moves``). Three numbers are
tried exhaustively, pair by pair: a line names the pair; then what it would have to make for the third number to finish
(``_wanted``); then what it makes, by ``- + * /``, up to the first that is wanted; both of products and quotients only
those in the multiplication table (SEARCH_BOUND). Where no line ends so, the attempt has failed:

    50,9:31,29,30:41,59                 9 and 50 do not make it with 1
    50,1:39,21:49,51
    9,1:80,20:8,10
                                        an empty line
    9,10,20,40:30                       the puzzle again, and its next first pair

Nothing is guessed and nothing remembered: each line follows from the few before it, so that a model has a procedure to
follow instead of a solution to foresee. No solver takes part in it. That it works is the puzzle's nature: with V=60 the
first attempt finds a solution of one puzzle in two, the first twelve of nine in ten (``python -m benchmarks.search``).

``walks`` are pieces of searches, from any attempt on, of numbers of any size.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numba import njit

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.puzzle import puzzle_keys
from arith_puzzle.dataset_builder.text import put

SEARCH_VERSION = 6
"""Raised whenever a search comes to be written otherwise; caches of token ids depend on it."""
SEARCH_MARKER = ":"
MIN_NUMBERS, MAX_NUMBERS = 3, 15
SEARCH_BOUND = 100
"""The largest product and dividend that is tried: what is in the multiplication table. Larger ones solve hardly more
(LOG.md), and a small model gets them wrong."""
CONTEXT = 4
"""Failed attempts that a row shows before the one that succeeds; what came before them is left out. With fewer a model
has never seen its window full of them, and loses its place in the first long search."""
STRAYS = 16
"""Of 256 failed attempts, how many take a result that does not do: a model must see what follows."""
_MINUS, _PLUS, _TIMES, _DIVIDE = 0, 1, 2, 3
_BYTES = np.frombuffer(b"-+*/", dtype=np.uint8)
_COMMA, _COLON, _EQUALS, _NEWLINE = (np.uint8(ord(c)) for c in ",:=\n")
_NUMBER = 21
"""Characters that a number takes at most, with what follows it."""


@njit(cache=True, nogil=True)
def _result(y, op, x):
    """``y op x`` of y >= x >= 0, or -1 where a search does not try it."""
    if op == _MINUS:
        return y - x
    if op == _PLUS:
        return y + x
    if op == _TIMES:
        return y * x if x != 1 and y * x <= SEARCH_BOUND else -1
    return y // x if x > 1 and y <= SEARCH_BOUND and y % x == 0 else -1


@njit(cache=True, nogil=True)
def _first_moves(numbers, moves):
    """Into ``moves`` (hi, lo, operator) of every attempt; returns how many.

    Every pair's difference, from the largest numbers down, then every pair's sum, then products; of equal pairs one.
    """
    n, count = len(numbers), 0
    if n == 3:
        return 1
    for op in (_MINUS, _PLUS, _TIMES):
        for hi in range(n - 1, 0, -1):
            for lo in range(hi - 1, -1, -1):
                again = lo + 1 < hi and numbers[lo + 1] == numbers[lo]
                again |= hi + 1 < n and numbers[hi + 1] == numbers[hi]
                if not again and _result(numbers[hi], op, numbers[lo]) >= 0:
                    moves[count] = hi, lo, op
                    count += 1
    return count


@njit(cache=True, nogil=True)
def _wanted(third, target, out):
    """Every value that makes the target with ``third``, in ``out``; returns how many.

    By value-third, by value+third or third-value, by value/third, value*third and third/value.
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
    """Write the equation of ``value`` and ``third`` that makes the target, or comes closest, into ``equation``."""
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
    out[at] = _NEWLINE
    return at + 1


@njit(cache=True, nogil=True)
def _put_puzzle(pool, size, target, out, at):
    for k in range(size):
        at = put(pool[k], out, at)
        out[at] = _COMMA
        at += 1
    out[at - 1] = _COLON
    at = put(target, out, at)
    out[at] = _NEWLINE
    return at + 1


@njit(cache=True, nogil=True)
def _attempt(numbers, target, move, stray, out, at, pool, taken):
    """Write an attempt, its equations in ``taken``: (whether it found the target, its end, that of its first equation).

    ``stray``: which result is taken though it does not do; -1 for none. In ``pool`` stay the three numbers.
    """
    size, step = len(numbers), 0
    pool[:size] = numbers
    begun = at
    while size > 3:
        if step == 0:
            hi, lo, op = move
        else:
            hi, lo = size - 1, size - 2
            op = _PLUS if pool[hi] < target else _MINUS
        equation = taken[step]
        equation[0], equation[1], equation[2] = pool[hi], op, pool[lo]
        value = _result(pool[hi], op, pool[lo])
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
            value = _result(y, op, x)
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
        out[at] = _NEWLINE
        at += 1
    return False, at, begun


@njit(cache=True, nogil=True)
def _chance(state):
    """The next of a stream of hashes: (state, 0..255)."""
    state = state + np.uint64(0x9E3779B97F4A7C15)
    h = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state, np.int64((h ^ (h >> np.uint64(31))) >> np.uint64(56))


@njit(cache=True, nogil=True)
def _write(numbers, target, state, moves, first, last, limit, out, at, pool, taken):
    """A search from attempt ``first`` to ``last`` of ``moves``: (whether the last succeeds, end of the prompt, end).

    It ends with an attempt that begins beyond ``limit``. Of a search that begins later than with its first attempt the
    prompt has that attempt's first equation too: nothing before tells which it is.
    """
    n, begin = len(numbers), at
    at = prompt = _put_puzzle(numbers, n, target, out, at)
    for index in range(first, last + 1):
        if index > first:
            out[at] = _NEWLINE
            at = _put_puzzle(numbers, n, target, out, at + 1)
        state, chance = _chance(state)
        state, place = _chance(state)
        stray = place % 8 if chance < STRAYS and index < last else -1
        found, at, begun = _attempt(numbers, target, moves[index], stray, out, at, pool, taken)
        if index == first and first > 0:
            prompt = begun
        if found:
            out[at], out[at + 1] = _COLON, _NEWLINE
            at += 2
            for step in range(n - 1):
                at = _put_equation(taken[step], out, at)
            return True, prompt, at - 1
        if at - begin > limit:
            break
    return False, prompt, at


@njit(cache=True, nogil=True)
def _found_by(numbers, target, moves, scratch, pool, taken):
    """The first of the attempts ``moves`` that reaches the target, or -1."""
    for index in range(len(moves)):
        if _attempt(numbers, target, moves[index], -1, scratch, 0, pool, taken)[0]:
            return index
    return -1


@njit(cache=True, nogil=True)
def _write_searches(numbers, targets, keys, context, out, offsets, found):
    n = numbers.shape[1]
    pool, taken, at = np.zeros(n, np.int64), np.zeros((n - 1, 4), np.int64), np.int64(0)
    scratch, moves = np.empty(_NUMBER * (n + 4) * (n + 4), np.uint8), np.zeros((_most_attempts(n), 3), np.int64)
    for row in range(numbers.shape[0]):
        count = _first_moves(numbers[row], moves)
        index = found[row] = _found_by(numbers[row], targets[row], moves[:count], scratch, pool, taken)
        offsets[2 * row + 1] = at
        if index >= 0:
            first = max(0, index - context)
            _, offsets[2 * row + 1], at = _write(
                numbers[row], targets[row], keys[row], moves, first, index, 1 << 40, out, at, pool, taken
            )
        offsets[2 * row + 2] = at


@njit(cache=True, nogil=True)
def _begins(state, count):
    """The attempt of ``count`` with which a walk begins: not the first, of which the prompt would be a question.

    Unless there is no other.
    """
    state, chance = _chance(state)
    return state, (1 + (chance * (count - 1) >> 8) if count > 1 else 0)


@njit(cache=True, nogil=True)
def _most_attempts(n):
    """Of a search through n numbers: three for each pair, one for three numbers."""
    return 3 * n * (n - 1) // 2 if n > 3 else 1


@njit(cache=True, nogil=True)
def _write_walks(numbers, targets, keys, limit, out, offsets):
    n = numbers.shape[1]
    pool, taken, at = np.zeros(n, np.int64), np.zeros((n - 1, 4), np.int64), np.int64(0)
    moves = np.zeros((_most_attempts(n), 3), np.int64)
    for row in range(numbers.shape[0]):
        begin, count = at, _first_moves(numbers[row], moves)
        state, first = _begins(keys[row], count)
        _, prompt, at = _write(numbers[row], targets[row], state, moves, first, count - 1, limit, out, at, pool, taken)
        if at - begin > limit:
            at = max(begin + limit, prompt)
            while at > prompt and out[at - 1] != _NEWLINE:
                at -= 1
        offsets[2 * row + 1], offsets[2 * row + 2] = prompt, at


@njit(cache=True, nogil=True)
def _within_reach(numbers, targets, keys):
    """Into ``targets``: such that the attempt where a walk begins reaches them, or nearly does."""
    n = numbers.shape[1]
    pool, taken = np.zeros(n, np.int64), np.zeros((n - 1, 4), np.int64)
    scratch, moves = np.empty(_NUMBER * (n + 4) * (n + 4), np.uint8), np.zeros((_most_attempts(n), 3), np.int64)
    for row in range(numbers.shape[0]):
        state, first = _begins(keys[row], _first_moves(numbers[row], moves))
        for _ in range(3):
            if _attempt(numbers[row], targets[row], moves[first], -1, scratch, 0, pool, taken)[0]:
                break
            state, third = _chance(state)
            state, op = _chance(state)
            state, sign = _chance(state)
            third %= 3
            hi, lo = (1 if third == 2 else 2), (1 if third == 0 else 0)
            value = max(_result(pool[hi], op % 4, pool[lo]), pool[hi] - pool[lo])
            targets[row] = max(1, value + pool[third] if sign < 100 else abs(value - pool[third]))


def _checked(numbers: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    numbers, targets = np.ascontiguousarray(numbers, np.int64), np.ascontiguousarray(targets, np.int64)
    if not MIN_NUMBERS <= numbers.shape[1] <= MAX_NUMBERS:
        raise InputError(f"a search takes {MIN_NUMBERS} to {MAX_NUMBERS} numbers; got {numbers.shape[1]}")
    if len(numbers) and min(numbers.min(), targets.min()) < 1:
        raise InputError("a search takes positive numbers and targets")
    return numbers, targets


def _strings(out: np.ndarray, offsets: np.ndarray) -> tuple[pa.StringArray, pa.StringArray]:
    buffers = pa.py_buffer(offsets), pa.py_buffer(out[: offsets[-1]])
    texts = pa.LargeStringArray.from_buffers(len(offsets) - 1, *buffers).cast(pa.string())
    return texts[::2], texts[1::2]


def searches(
    numbers: np.ndarray, targets: np.ndarray, *, context: int | None = CONTEXT
) -> tuple[pa.StringArray, pa.StringArray, np.ndarray]:
    """Puzzles that are searched before they are answered; a pure function of the puzzle.

    Args:
        numbers: positive integers, shape (rows, n), n from 3 to 15, ascending in each row; targets: positive, (rows,).
        context: how many of the failed attempts stand before the one that succeeds; None: all. Where others are left
            out the prompt ends with the first equation that is shown.

    Returns:
        Prompts, completions, and the attempt that succeeds, int64 (rows,); -1 where none does, with empty texts.

    Raises:
        InputError: n, a number or a target that is not positive.
    """
    numbers, targets = _checked(numbers, targets)
    rows, n = numbers.shape
    found, offsets, keys = np.empty(rows, np.int64), np.zeros(2 * rows + 1, np.int64), puzzle_keys(numbers, targets)
    context = _most_attempts(n) if context is None else context
    shown = min(context + 1, _most_attempts(n))
    out = np.empty(rows * shown * _attempt_room(numbers, targets), np.uint8)
    _write_searches(numbers, targets, keys, context, out, offsets, found)
    return *_strings(out, offsets), found


def walks(
    numbers: np.ndarray, targets: np.ndarray, keys: np.ndarray, characters: int
) -> tuple[pa.StringArray, pa.StringArray]:
    """Pieces of searches: the procedure from any attempt on, for numbers of any size, whether or not it finds anything.

    A prompt is the puzzle and the first equation of an attempt that is not the first one, so that it is no question; of
    three numbers, which have one attempt, the puzzle alone. A completion ends with the answer, where an attempt comes
    upon the target, or behind any line.

    Args:
        numbers: positive integers, shape (rows, n), n from 3 to 15, ascending in each row; targets: positive, (rows,).
        keys: of the draws, uint64, shape (rows,).
        characters: the most that prompt and completion have together; a prompt that is longer alone has an empty
            completion.

    Raises:
        InputError: n, a number or a target that is not positive.
    """
    numbers, targets = _checked(numbers, targets)
    rows = len(numbers)
    room = characters + 2 * _attempt_room(numbers, targets)
    out, offsets = np.empty(rows * room, np.uint8), np.zeros(2 * rows + 1, np.int64)
    _write_walks(numbers, targets, keys, characters, out, offsets)
    return _strings(out, offsets)


def within_reach(numbers: np.ndarray, targets: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Targets, int64 (rows,), in place of these: most of them a walk with these numbers and keys reaches at once."""
    numbers, targets = _checked(numbers, targets)
    targets = targets.copy()
    _within_reach(numbers, targets, keys)
    return targets


def _attempt_room(numbers: np.ndarray, targets: np.ndarray) -> int:
    """More characters than an attempt, with its puzzle and its answer, ever takes."""
    n = numbers.shape[1]
    top = int(max(numbers.max(initial=1), targets.max(initial=1), SEARCH_BOUND)) * n
    digits = len(str(top)) + 1
    return digits * ((n + 1) * (n + 4) // 2 + 8 * n + 60)
