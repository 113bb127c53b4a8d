"""Write the prompts and completions of many rows into Arrow string arrays, by compiled code.

The text of a row equals that of ``puzzle.symbolic_prompt`` and ``puzzle.completion`` (covered by a test).
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
    """Write the integer ``value`` in decimal into ``out`` (uint8) from position ``at``. Return the end position."""
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
    """Upper bound on the characters of one value of the array, with its sign."""
    return len(str(int(np.abs(values).max(initial=0)))) + 1


def prompts(numbers: np.ndarray, targets: np.ndarray) -> pa.StringArray:
    """The symbolic prompts of puzzles: numbers int64 (rows, n), ascending in each row; targets int64 (rows,)."""
    rows, n = numbers.shape
    out = np.empty(rows * (n * (_digits(numbers) + 1) + _digits(targets) + 1), np.uint8)
    offsets = np.zeros(rows + 1, np.int32)
    end = _prompts(numbers, targets, out, offsets)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(out[:end]))


def completions(equations: np.ndarray) -> pa.StringArray:
    """The completions of solutions: equations int64 (rows, n-1, 4), each (a, operator index in ``+-*/``, b, c)."""
    rows, steps = equations.shape[:2]
    out = np.empty(rows * steps * (3 * _digits(equations) + 3), np.uint8)
    offsets = np.zeros(rows + 1, np.int32)
    end = _completions(equations, _OPERATOR_BYTES, out, offsets)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(out[:end]))
