"""Millions of responses judged at once: Arrow or NumPy columns in, columns of verdicts out.

A numba kernel over the UTF-8 bytes gives the verdicts of ``metrics/arith_puzzle_verifier/verify.py``. What does
not fit its 64-bit integers goes to ``verify`` itself, row by row; the tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from reprlib import repr as short
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from arith_puzzle.common.errors import InputError
from arith_puzzle.metrics.arith_puzzle_verifier.verify import DIVISIONS, MAX_RESPONSE_CHARS, REASONS, Verdict, verify

REASON_NAMES = tuple(REASONS)
"""Code -> reason; ``ok`` is 0."""

(
    _OK, _TOO_LONG, _ILLEGAL, _MALFORMED, _COUNT, _UNAVAILABLE, _BY_ZERO, _INEXACT, _RESULT, _TARGET,
) = map(
    REASON_NAMES.index,
    ("ok", "too_long", "illegal_characters", "malformed_equation", "wrong_equation_count", "unavailable_operand",
     "division_by_zero", "inexact_division", "wrong_result", "wrong_target"),
)  # fmt: skip
_HANDED_OVER = -1

# 18 digits stay below 10^18, so that sums and differences of two stay within 64 bits.
_MAX_DIGITS = 18
_SAFE_FACTOR = 1 << 31


class BatchVerdicts(NamedTuple):
    """Columns over R responses.

    ``correct``: bool (R,). ``reason``: int8 (R,), an index into REASON_NAMES. ``line``: int32 (R,), 1-based,
    of the first fault; 0 where ``verify`` says None.
    """

    correct: np.ndarray
    reason: np.ndarray
    line: np.ndarray

    def verdict(self, row: int) -> Verdict:
        """One row as ``verify`` returns it."""
        return Verdict(bool(self.correct[row]), REASON_NAMES[self.reason[row]], int(self.line[row]) or None)


def verify_batch(
    numbers: pa.Array | pa.ChunkedArray | np.ndarray | Sequence[Sequence[int]],
    targets: pa.Array | pa.ChunkedArray | np.ndarray | Sequence[int],
    responses: pa.Array | pa.ChunkedArray | np.ndarray | Sequence[str],
    *,
    division: str = "exact",
) -> BatchVerdicts:
    """Judge R responses, each against its own puzzle.

    Args:
        numbers: the given integers of each puzzle: an Arrow list column (any list and integer type, also sliced
            or chunked), an integer array (R, N), or lists of ints.
        targets: R integers.
        responses: R strings: an Arrow string or large_string column, an array, or a list.
        division: ``"exact"`` or ``"integer"``, as in ``verify``.

    Returns:
        BatchVerdicts, the verdicts of ``verify`` row by row. Bytes that are no UTF-8, which no Python string can
        hold, are illegal characters here.

    Raises:
        InputError: columns of unlike lengths, a null, or a column of another type.
        ValueError: division is neither of the two.
    """
    if division not in DIVISIONS:
        raise ValueError(f"division must be one of {DIVISIONS}, not {division!r}")
    texts = _texts(responses)
    values, starts, big_numbers = _lists(numbers)
    wanted, big_targets = _integers(targets, "targets")
    if not len(texts) == len(starts) - 1 == len(wanted):
        raise InputError(
            "numbers, targets and responses must be of one length, not "
            f"{len(starts) - 1}, {len(wanted)} and {len(texts)}: give one entry of each for every response"
        )
    reason = np.zeros(len(texts), np.int8)
    line = np.zeros(len(texts), np.int32)
    offsets, data = _buffers(texts)
    longest = int(np.diff(starts).max(initial=1))
    _judge(values, starts, wanted, data, offsets, longest, division == "exact", reason, line)
    for row in {*np.flatnonzero(reason == _HANDED_OVER).tolist(), *big_numbers, *big_targets}:
        given = big_numbers.get(row) or values[starts[row] : starts[row + 1]].tolist()
        target = big_targets.get(row, int(wanted[row]))
        text = bytes(data[offsets[row] : offsets[row + 1]]).decode("utf-8", "replace")
        verdict = verify(given, target, text, division=division)
        reason[row], line[row] = REASON_NAMES.index(verdict.reason), verdict.line or 0
    return BatchVerdicts(reason == _OK, reason, line)


# The columns


def _texts(responses) -> pa.LargeStringArray:
    if not isinstance(responses, (pa.Array, pa.ChunkedArray)):
        rows = list(responses)
        for row, text in enumerate(rows):
            if not isinstance(text, str):
                raise InputError(f'a response must be a string, and row {row} is {short(text)}: give "" for none')
        try:
            responses = pa.array(rows, pa.large_string())
        except UnicodeEncodeError:  # Arrow holds no lone surrogates; "?" is one character too, and as illegal
            responses = pa.array([text.encode("utf-8", "replace").decode() for text in rows], pa.large_string())
    kind = responses.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise InputError(f"responses must be a column of strings, not {kind}: cast it to string")
    _no_nulls(responses, "responses")
    return _whole(responses.cast(pa.large_string()))


def _integers(column, name: str) -> tuple[np.ndarray, dict[int, int]]:
    """(int64 values, {row: value} for those beyond int64, which are 0 in the first)."""
    if isinstance(column, (pa.Array, pa.ChunkedArray)):
        array = column
    else:
        try:
            array = pa.array(column)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):  # beyond 64 bits, or no integers at all
            array = None
    if array is not None:
        if not (pa.types.is_integer(array.type) or (pa.types.is_null(array.type) and not len(array))):
            raise InputError(f"{name} must be a column of integers, not {array.type}: cast it to int64")
        _no_nulls(array, name)
        try:
            return np.asarray(_whole(array.cast(pa.int64()))), {}
        except pa.ArrowInvalid:  # uint64 beyond int64
            column = array.to_pylist()
    try:
        whole = [index(value) for value in column]
    except TypeError:
        raise InputError(f"{name} must be integers, not {short(list(column))}") from None
    big = {row: value for row, value in enumerate(whole) if not -(2**63) <= value < 2**63}
    return np.array([0 if row in big else value for row, value in enumerate(whole)], np.int64), big


def _lists(numbers) -> tuple[np.ndarray, np.ndarray, dict[int, list[int]]]:
    """(values int64, starts int64 (R+1,), {row: numbers} for rows that hold one beyond int64)."""
    if isinstance(numbers, np.ndarray) and numbers.ndim == 2:
        values, big = _integers(numbers.ravel(), "numbers")
        return values, np.arange(len(numbers) + 1) * numbers.shape[1], _by_row(big, numbers.tolist())
    if isinstance(numbers, (pa.Array, pa.ChunkedArray)):
        kind = numbers.type
        if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
            raise InputError(f"numbers must be a column of lists of integers, not {kind}: cast it to list<int64>")
        _no_nulls(numbers, "numbers")
        column = _whole(numbers.cast(pa.large_list(kind.value_type)))
        starts = np.asarray(column.offsets)
        values, big = _integers(column.values[starts[0] : starts[-1]], "numbers")
        return values, starts - starts[0], _by_row(big, column.to_pylist() if big else [])
    rows = [list(row) for row in numbers]
    starts = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    values, big = _integers([value for row in rows for value in row], "numbers")
    return values, starts, _by_row(big, rows)


def _by_row(big: dict[int, int], rows: list[list[int]]) -> dict[int, list[int]]:
    if not big:
        return {}
    owner = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    return {int(owner[at]): rows[owner[at]] for at in big}


def _no_nulls(column, name: str) -> None:
    if column.null_count:
        row = pc.index(pc.is_null(column), True).as_py()
        raise InputError(f"{name} must hold no null, and entry {row} is one: drop the row, or give it a value")


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    return column


def _buffers(texts: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
    """Offsets int64 (R+1,) and bytes uint8, not copied; an empty column may have no buffers at all."""
    _, offsets, data = texts.buffers()
    if not len(texts):
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    bounds = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return bounds, np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)


# The kernel


@njit(cache=True, nogil=True)
def _number(data, at, end):
    """(value, where it ends) of the number at ``at``; the end is 0 where there is none, -1 past _MAX_DIGITS."""
    negative = at < end and data[at] == 45
    if negative:
        at += 1
    if at >= end or data[at] < 48 or data[at] > 57:
        return 0, 0
    if data[at] == 48:
        return 0, 0 if negative else at + 1
    start = at
    value = 0
    while at < end and 48 <= data[at] <= 57:
        if at - start == _MAX_DIGITS:
            return 0, -1
        value = value * 10 + (data[at] - 48)
        at += 1
    return -value if negative else value, at


@njit(cache=True, nogil=True)
def _read(data, start, end, wanted, equations):
    """Characters, form and count: (code, line), and the equations in (a, op, b, c) where the code is _OK."""
    if end - start > MAX_RESPONSE_CHARS:
        length = 0
        for at in range(start, end):
            length += (data[at] & 0xC0) != 0x80  # counts characters: all bytes but UTF-8's continuations
            if length > MAX_RESPONSE_CHARS:
                return _TOO_LONG, 0
    line = 1
    for at in range(start, end):
        byte = data[at]
        if byte == 10:
            line += 1
        elif byte < 42 or byte > 61 or byte == 44 or byte == 46 or byte == 58 or byte == 59 or byte == 60:
            return _ILLEGAL, line
    if end > start and data[end - 1] == 10:
        end -= 1
    if end == start:
        return (_OK, 0) if wanted == 0 else (_COUNT, 0)
    at, count = start, 0
    while True:
        a, at = _number(data, at, end)
        if at < 1:
            return (_MALFORMED, count + 1) if at == 0 else (_HANDED_OVER, 0)
        if at >= end:
            return _MALFORMED, count + 1
        op = data[at]
        if op != 42 and op != 43 and op != 45 and op != 47:
            return _MALFORMED, count + 1
        b, at = _number(data, at + 1, end)
        if at < 1:
            return (_MALFORMED, count + 1) if at == 0 else (_HANDED_OVER, 0)
        if at >= end or data[at] != 61:
            return _MALFORMED, count + 1
        c, at = _number(data, at + 1, end)
        if at < 1:
            return (_MALFORMED, count + 1) if at == 0 else (_HANDED_OVER, 0)
        if at < end and data[at] != 10:
            return _MALFORMED, count + 1
        if count < wanted:
            equations[count, 0], equations[count, 1], equations[count, 2], equations[count, 3] = a, op, b, c
        count += 1
        if at >= end:
            return (_OK, 0) if count == wanted else (_COUNT, 0)
        at += 1


@njit(cache=True, nogil=True)
def _play(pool, size, a, op, b, c, exact):
    """The code of one equation; where it is _OK, ``pool`` holds the ``size - 1`` numbers left."""
    i = j = -1
    for at in range(size):
        if i < 0 and pool[at] == a:
            i = at
        elif j < 0 and pool[at] == b:
            j = at
    if i < 0 or j < 0:
        return _UNAVAILABLE
    if op == 43:
        value = a + b
    elif op == 45:
        value = a - b
    elif op == 42:
        if abs(a) >= _SAFE_FACTOR or abs(b) >= _SAFE_FACTOR:
            return _HANDED_OVER
        value = a * b
    elif b == 0:
        return _BY_ZERO
    else:
        value = abs(a) // abs(b)
        if exact and value * abs(b) != abs(a):
            return _INEXACT
        if (a < 0) != (b < 0):
            value = -value
    if value != c:
        return _RESULT
    pool[i] = c
    pool[j] = pool[size - 1]
    return _OK


@njit(cache=True, nogil=True)
def _judge(values, starts, targets, data, offsets, longest, exact, reason, line):
    pool = np.empty(longest, np.int64)
    equations = np.empty((longest, 4), np.int64)
    for row in range(len(targets)):
        size = starts[row + 1] - starts[row]
        code, where = _read(data, offsets[row], offsets[row + 1], size - 1, equations)
        if code == _OK:
            pool[:size] = values[starts[row] : starts[row + 1]]
            for step in range(size - 1):
                a, op, b, c = equations[step, 0], equations[step, 1], equations[step, 2], equations[step, 3]
                code = _play(pool, size - step, a, op, b, c, exact)
                if code != _OK:
                    where = step + 1
                    break
            if code == _OK and pool[0] != targets[row]:
                code = _TARGET
        reason[row], line[row] = code, where
