"""Verify many responses at once: columns of puzzles and responses in, columns of verdicts out.

The verdicts equal those of ``metrics/arith_puzzle_verifier/verify.py`` (covered by tests). A compiled function reads
the UTF-8 bytes of the responses. Rows with numbers that do not fit its 64-bit integers are verified by ``verify``.
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
from arith_puzzle.metrics.arith_puzzle_verifier.verify import (
    MAX_RESPONSE_CHARS,
    REASONS,
    Verdict,
    check_options,
    verify,
)

REASON_NAMES = tuple(REASONS)
"""The reasons of verdicts. The index is the code of a reason; ``ok`` is 0."""

(
    _OK, _TOO_LONG, _ILLEGAL, _MALFORMED, _COUNT, _UNAVAILABLE, _BY_ZERO, _INEXACT, _RESULT, _TARGET,
) = map(
    REASON_NAMES.index,
    ("ok", "too_long", "illegal_characters", "malformed_equation", "wrong_equation_count", "unavailable_operand",
     "division_by_zero", "inexact_division", "wrong_result", "wrong_target"),
)  # fmt: skip
_BEYOND_64_BITS = -1
"""Code of a row that needs larger integers, and therefore ``verify``."""
_MAX_DIGITS = 18
"""Sums and differences of numbers with up to 18 digits fit 64 bits."""
_SAFE_FACTOR = 1 << 31
"""Products of smaller numbers fit 64 bits."""


class BatchVerdicts(NamedTuple):
    """The verdicts of R responses, as columns.

    Attributes:
        correct: bool (R,).
        reason: int8 (R,), index into REASON_NAMES.
        line: int32 (R,), line of the first fault, counted from 1; 0 if the verdict has no line.
    """

    correct: np.ndarray
    reason: np.ndarray
    line: np.ndarray

    def verdict(self, row: int) -> Verdict:
        """The verdict of one row, as ``verify`` returns it."""
        return Verdict(bool(self.correct[row]), REASON_NAMES[self.reason[row]], int(self.line[row]) or None)


def verify_batch(
    numbers: pa.Array | pa.ChunkedArray | np.ndarray | Sequence[Sequence[int]],
    targets: pa.Array | pa.ChunkedArray | np.ndarray | Sequence[int],
    responses: pa.Array | pa.ChunkedArray | np.ndarray | Sequence[str],
    *,
    division: str = "exact",
) -> BatchVerdicts:
    """Verify R responses, each against its own puzzle.

    Args:
        numbers: the numbers of each puzzle: an Arrow column of lists of integers (also sliced or chunked), an integer
            array (R, N), or lists of ints.
        targets: R integers.
        responses: R strings: an Arrow column of strings, an array, or a list.
        division: ``"exact"`` or ``"integer"``, as in ``verify``.

    Returns:
        The verdicts of ``verify`` for each row. Bytes that are not valid UTF-8 count as illegal characters; only Arrow
        columns can contain them.

    Raises:
        InputError: the columns differ in length, contain a null, or have another type.
        ValueError: unknown ``division``, or ``"rational"``, which needs expressions.
    """
    check_options(division)
    texts = _texts(responses)
    values, starts, big_numbers = _lists(numbers)
    wanted, big_targets = _integers(targets, "targets")
    if not len(texts) == len(starts) - 1 == len(wanted):
        raise InputError(
            "numbers, targets and responses must have the same length, not "
            f"{len(starts) - 1}, {len(wanted)} and {len(texts)}: give one entry of each for every response"
        )
    reason = np.zeros(len(texts), np.int8)
    line = np.zeros(len(texts), np.int32)
    offsets, data = _buffers(texts)
    longest = int(np.diff(starts).max(initial=1))
    _judge(values, starts, wanted, data, offsets, longest, division == "exact", reason, line)
    for row in {*np.flatnonzero(reason == _BEYOND_64_BITS).tolist(), *big_numbers, *big_targets}:
        given = big_numbers.get(row) or values[starts[row] : starts[row + 1]].tolist()
        target = big_targets.get(row, int(wanted[row]))
        text = bytes(data[offsets[row] : offsets[row + 1]]).decode("utf-8", "replace")
        verdict = verify(given, target, text, division=division)
        reason[row], line[row] = REASON_NAMES.index(verdict.reason), verdict.line or 0
    return BatchVerdicts(reason == _OK, reason, line)


# Conversion of the columns


def _texts(responses) -> pa.LargeStringArray:
    if not isinstance(responses, (pa.Array, pa.ChunkedArray)):
        rows = list(responses)
        for row, text in enumerate(rows):
            if not isinstance(text, str):
                raise InputError(f'responses must be strings, but row {row} is {short(text)}: use "" for no response')
        try:
            responses = pa.array(rows, pa.large_string())
        except UnicodeEncodeError:  # Arrow rejects lone surrogates; "?" is one illegal character, too
            responses = pa.array([text.encode("utf-8", "replace").decode() for text in rows], pa.large_string())
    kind = responses.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise InputError(f"responses must be a column of strings, not {kind}: cast it to string")
    _no_nulls(responses, "responses")
    return _whole(responses.cast(pa.large_string()))


def _integers(column, name: str) -> tuple[np.ndarray, dict[int, int]]:
    """(values int64, {row: value} of values beyond int64, which are 0 in the array)."""
    if isinstance(column, (pa.Array, pa.ChunkedArray)):
        array = column
    else:
        try:
            array = pa.array(column)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):  # integers beyond 64 bits, or another type
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
    """(values int64, starts int64 (R+1,), {row: numbers} of rows with a number beyond int64)."""
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
        raise InputError(f"{name} must not contain nulls, but entry {row} is null: drop the row, or give it a value")


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    return column


def _buffers(texts: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
    """(offsets int64 (R+1,), bytes uint8) of a column, without a copy. An empty column may have no buffers."""
    _, offsets, data = texts.buffers()
    if not len(texts):
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    bounds = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return bounds, np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)


# The compiled verifier


@njit(cache=True, nogil=True)
def _number(data, at, end):
    """Read the number at ``at``: (value, its end). The end is 0 if there is no number, -1 if it is too long."""
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
    """Check the characters, the form and the number of equations: (code, line). Write them to ``equations``."""
    if end - start > MAX_RESPONSE_CHARS:
        length = 0
        for at in range(start, end):
            length += (data[at] & 0xC0) != 0x80  # count characters: bytes that start one in UTF-8
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
            return (_MALFORMED, count + 1) if at == 0 else (_BEYOND_64_BITS, 0)
        if at >= end:
            return _MALFORMED, count + 1
        op = data[at]
        if op != 42 and op != 43 and op != 45 and op != 47:
            return _MALFORMED, count + 1
        b, at = _number(data, at + 1, end)
        if at < 1:
            return (_MALFORMED, count + 1) if at == 0 else (_BEYOND_64_BITS, 0)
        if at >= end or data[at] != 61:
            return _MALFORMED, count + 1
        c, at = _number(data, at + 1, end)
        if at < 1:
            return (_MALFORMED, count + 1) if at == 0 else (_BEYOND_64_BITS, 0)
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
    """Check one equation and return its code. If that is _OK, ``pool`` has the ``size - 1`` numbers that are left."""
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
            return _BEYOND_64_BITS
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
            for k in range(size):
                pool[k] = values[starts[row] + k]
            for step in range(size - 1):
                a, op, b, c = equations[step, 0], equations[step, 1], equations[step, 2], equations[step, 3]
                code = _play(pool, size - step, a, op, b, c, exact)
                if code != _OK:
                    where = step + 1
                    break
            if code == _OK and pool[0] != targets[row]:
                code = _TARGET
        reason[row], line[row] = code, where
