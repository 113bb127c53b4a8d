"""Prompts and completions of many rows as Arrow string arrays, written digit by digit into their buffers.

The same text as ``puzzle.symbolic_prompt`` and ``puzzle.completion`` give for one row; a test holds the two together.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numba import njit

from arith_puzzle.dataset_builder.puzzle import OPERATORS

_OPERATOR_BYTES = np.frombuffer(OPERATORS.encode(), dtype=np.uint8)
_COMMA, _COLON, _EQUALS, _NEWLINE, _MINUS, _ZERO = (np.uint8(ord(c)) for c in ",:=\n-0")


@njit(cache=True, nogil=True)
def put(value, out, at):
    """Write ``value`` in decimal at ``at``; returns where the text ends."""
    if value < 0:
        out[at] = _MINUS
        at += 1
        value = -value
    digits = 1
    rest = value // 10
    while rest > 0:
        digits += 1
        rest //= 10
    for place in range(at + digits - 1, at - 1, -1):
        out[place] = _ZERO + np.uint8(value % 10)
        value //= 10
    return at + digits


@njit(cache=True, nogil=True)
def _prompts(numbers, targets, out, offsets):
    at = 0
    for row in range(numbers.shape[0]):
        for k in range(numbers.shape[1]):
            at = put(numbers[row, k], out, at)
            out[at] = _COMMA
            at += 1
        out[at - 1] = _COLON
        at = put(targets[row], out, at)
        out[at] = _NEWLINE
        at += 1
        offsets[row + 1] = at
    return at


@njit(cache=True, nogil=True)
def _completions(equations, operators, out, offsets):
    at = 0
    for row in range(equations.shape[0]):
        for k in range(equations.shape[1]):
            if k > 0:
                out[at] = _NEWLINE
                at += 1
            at = put(equations[row, k, 0], out, at)
            out[at] = operators[equations[row, k, 1]]
            at = put(equations[row, k, 2], out, at + 1)
            out[at] = _EQUALS
            at = put(equations[row, k, 3], out, at + 1)
        offsets[row + 1] = at
    return at


def _digits(values: np.ndarray) -> int:
    """The most characters that a value of the array takes, sign included."""
    return len(str(int(np.abs(values).max(initial=0)))) + 1


def prompts(numbers: np.ndarray, targets: np.ndarray) -> pa.StringArray:
    """Prompts of rows with numbers (rows, n), ascending, and targets (rows,), both int64."""
    rows, n = numbers.shape
    out = np.empty(rows * (n * (_digits(numbers) + 1) + _digits(targets) + 1), np.uint8)
    offsets = np.zeros(rows + 1, np.int32)
    end = _prompts(numbers, targets, out, offsets)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(out[:end]))


def completions(equations: np.ndarray) -> pa.StringArray:
    """Completions of rows with equations (rows, n-1, 4), int64: a, operator index, b, c."""
    rows, steps = equations.shape[:2]
    out = np.empty(rows * steps * (3 * _digits(equations) + 3), np.uint8)
    offsets = np.zeros(rows + 1, np.int32)
    end = _completions(equations, _OPERATOR_BYTES, out, offsets)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(out[:end]))
